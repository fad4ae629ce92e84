namespace Maha.Layers.Text;

public sealed partial class ByteLevelBpeTokenizer : ITextTokenizer
{
    // The bytes of the tokens are those of the text, so their number tells the characters.
    int ITextTokenizer.CharactersOf(ReadOnlySpan<char> text, ReadOnlySpan<int> tokenIds, bool fromEnd)
    {
        long bytes = 0;
        foreach (int id in tokenIds)
            bytes += GetTokenBytes(id).Length;
        int count = 0;
        while (count < text.Length)
        {
            int first = fromEnd ? text.Length - 1 - count : count, second = fromEnd ? first - 1 : first + 1;
            bool isPair = (uint)second < (uint)text.Length && char.IsSurrogatePair(text[Math.Min(first, second)], text[Math.Max(first, second)]);
            bytes -= isPair ? 4 : text[first] < 0x80 ? 1 : text[first] < 0x800 ? 2 : 3;
            if (bytes < 0)
                break;
            count += isPair ? 2 : 1;
        }
        return count;
    }
}
