using System.Text;

namespace Maha.Layers.Text;

/// <summary>
/// Turns token ids into text as they come. Text is given out as soon as its characters are complete: a UTF-8 sequence split
/// over tokens is held back until its last byte has come, so that no half character is ever shown.
/// </summary>
/// <remarks>
/// What the calls of <see cref="Append(int)"/> and a final <see cref="Flush"/> return, put together, is what
/// <see cref="ByteLevelBpeTokenizer.Decode"/> returns for all the ids. Not safe to use from several threads at once.
/// </remarks>
internal sealed class TokenStreamDecoder
{
    // An incomplete sequence has at most three bytes; a token at most WordScanner.MaxWordBytes.
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

    /// <summary>Takes the next id and returns the text it completes; often the whole token, sometimes nothing.</summary>
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

    /// <summary>Takes the next ids and returns the text they complete.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is not in the vocabulary; the ids before it were taken.</exception>
    public string Append(ReadOnlySpan<int> tokenIds)
    {
        var text = new StringBuilder();
        foreach (int id in tokenIds)
        {
            text.Append(Append(id));
        }

        return text.ToString();
    }

    /// <summary>Ends the stream: returns U+FFFD for a sequence left incomplete, else an empty string. The decoder may then be used anew.</summary>
    public string Flush() => DecodePending(_numPending, isFinal: true);

    private string DecodePending(int length, bool isFinal)
    {
        int written = Wtf8.Decode(_bytes.AsSpan(0, length), _chars, isFinal, out int read);
        _bytes.AsSpan(read..length).CopyTo(_bytes);
        _numPending = length - read;
        return written == 0 ? "" : new string(_chars, 0, written);
    }
}
