using Maha.Layers.Text;

namespace Maha.TestData;

/// <summary>A tokenizer that counts what it encodes.</summary>
/// <param name="inner">The tokenizer that encodes.</param>
/// <param name="onEncode">Called before a text is encoded; null for nothing.</param>
internal sealed class CountingTokenizer(ITextTokenizer inner, Action? onEncode = null) : ITextTokenizer
{
    private readonly List<int> _lengths = [];

    /// <summary>The lengths of the texts that were encoded, in characters.</summary>
    public IReadOnlyList<int> Lengths => _lengths;

    public int VocabSize => inner.VocabSize;

    public int[] Encode(ReadOnlySpan<char> text)
    {
        lock (_lengths)
            _lengths.Add(text.Length);
        onEncode?.Invoke();
        return inner.Encode(text);
    }

    public int CharactersOf(ReadOnlySpan<char> text, ReadOnlySpan<int> tokenIds, bool fromEnd) => inner.CharactersOf(text, tokenIds, fromEnd);

    public int[] EndsOf(ReadOnlySpan<char> text, ReadOnlySpan<int> tokenIds) => inner.EndsOf(text, tokenIds);

    public void Save(Stream stream) => inner.Save(stream);
}
