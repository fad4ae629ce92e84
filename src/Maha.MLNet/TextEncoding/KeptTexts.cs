using Maha.Layers.Data;
using Maha.Layers.Text;

namespace Maha.MLNet.TextEncoding;

/// <summary>Cuts texts to those of the tokens that are read, and counts what was cut.</summary>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="limit">The most tokens of a text.</param>
/// <param name="overlong">The part that is kept of a text with more tokens.</param>
internal sealed class KeptTexts(ITextTokenizer tokenizer, int limit, OverlongDocuments overlong)
{
    /// <summary>The number of texts that were cut.</summary>
    public int NumCutTexts { get; private set; }

    /// <summary>The number of tokens that were cut; estimated for a text that is far longer than what is read, which is not tokenized whole.</summary>
    public long NumCutTokens { get; private set; }

    /// <summary>Returns the text of the tokens that are read.</summary>
    /// <exception cref="ArgumentException">The text has too many tokens, and <see cref="OverlongDocuments.Throw"/> is set.</exception>
    public string Cut(string text)
    {
        // A character has at most three tokens: a Hangul syllable is decomposed to three letters.
        if (text.Length <= limit / 3)
            return text;
        var (part, ids) = TokenLimit.Encode(tokenizer, text.AsMemory(), limit, overlong);
        if (ids.Length <= limit)
            return text;
        int kept = TokenLimit.Cut(ids, limit, overlong).Length;
        NumCutTexts++;
        NumCutTokens += new EncodedText(part, ids, text.Length).EstimateTokens() - kept;
        return TokenLimit.CutText(part, ids, limit, overlong, tokenizer).ToString();
    }
}
