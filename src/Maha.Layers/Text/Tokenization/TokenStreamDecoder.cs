using System.Text;

namespace Maha.Layers.Text;

/// <summary>
/// Decodes token ids to text as they arrive. A UTF-8 sequence that is split over tokens is returned after its last byte, so that
/// the text never contains a part of a character.
/// </summary>
/// <remarks>
/// The results of <see cref="Append(int)"/> and of a final <see cref="Flush"/>, concatenated, are the text that
/// <see cref="ByteLevelBpeTokenizer.Decode"/> returns for all ids. Not safe to use from several threads at once.
/// </remarks>
internal sealed class TokenStreamDecoder
{
    // An incomplete sequence has at most three bytes, and a token at most WordScanner.MaxWordBytes.
    private readonly byte[] _bytes = new byte[3 + WordScanner.MaxWordBytes];
    private readonly char[] _chars = new char[3 + WordScanner.MaxWordBytes];
    private readonly ByteLevelBpeTokenizer _tokenizer;
    private readonly BpeVocabulary _vocabulary;
    private readonly bool _skipSpecialTokens;
    private int _numPending;

    internal TokenStreamDecoder(ByteLevelBpeTokenizer tokenizer, BpeVocabulary vocabulary, bool skipSpecialTokens)
    {
        _tokenizer = tokenizer;
        _vocabulary = vocabulary;
        _skipSpecialTokens = skipSpecialTokens;
    }

    /// <summary>Decodes the next id and returns the text that it completes: usually the token's text, sometimes an empty string.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is not in the vocabulary.</exception>
    public string Append(int tokenId)
    {
        if (_tokenizer.IsSpecialToken(tokenId))
        {
            string rest = Flush();
            return _skipSpecialTokens ? rest : rest + _vocabulary.SpecialTokens[tokenId];
        }

        var token = _vocabulary.BytesOf(tokenId);
        token.CopyTo(_bytes.AsSpan(_numPending));
        return DecodePending(_numPending + token.Length, isFinal: false);
    }

    /// <summary>Decodes the next ids and returns the text that they complete.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is not in the vocabulary. The ids before it are decoded.</exception>
    public string Append(ReadOnlySpan<int> tokenIds)
    {
        var text = new StringBuilder();
        foreach (int id in tokenIds)
            text.Append(Append(id));

        return text.ToString();
    }

    /// <summary>Ends the stream: returns U+FFFD for an incomplete sequence, otherwise an empty string. The decoder can be used again.</summary>
    public string Flush() => DecodePending(_numPending, isFinal: true);

    private string DecodePending(int length, bool isFinal)
    {
        int written = Wtf8.Decode(_bytes.AsSpan(0, length), _chars, isFinal, out int read);
        _bytes.AsSpan(read..length).CopyTo(_bytes);
        _numPending = length - read;
        return written == 0 ? "" : new string(_chars, 0, written);
    }
}
