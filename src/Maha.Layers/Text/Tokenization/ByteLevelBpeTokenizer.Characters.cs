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
            bytes -= isPair ? 4 : NumBytes(text[first]);
            if (bytes < 0)
                break;
            count += isPair ? 2 : 1;
        }
        return count;
    }

    int[] ITextTokenizer.EndsOf(ReadOnlySpan<char> text, ReadOnlySpan<int> tokenIds)
    {
        int[] ends = new int[tokenIds.Length];
        long bytes = 0, covered = 0;
        int end = 0, place = 0;
        for (int i = 0; i < ends.Length; i++)
        {
            bytes += GetTokenBytes(tokenIds[i]).Length;
            while (place < text.Length && covered < bytes)
            {
                bool isPair = place + 1 < text.Length && char.IsSurrogatePair(text[place], text[place + 1]);
                covered += isPair ? 4 : NumBytes(text[place]);
                place += isPair ? 2 : 1;
            }
            if (covered == bytes)
                end = place;
            ends[i] = end;
        }
        return ends;
    }

    private static int NumBytes(char character) => character < 0x80 ? 1 : character < 0x800 ? 2 : 3;
}
