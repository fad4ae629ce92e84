namespace Maha.Layers.Generation;

/// <summary>How well a language model predicts a text.</summary>
/// <param name="LogLikelihood">ln p(text): the sum of ln p(token | tokens before it) over the text's tokens, at most 0. The end of the text is not counted.</param>
/// <param name="NumTokens">The tokens of the text.</param>
/// <param name="NumBytes">The bytes of the text in UTF-8.</param>
/// <param name="NumWords">The words of the text: runs of what is not white space.</param>
public readonly record struct TextScore(double LogLikelihood, long NumTokens, long NumBytes, long NumWords)
{
    /// <summary>The mean of ln p(token); NaN for a text without tokens. Compares texts under one model and tokenizer.</summary>
    public double LogLikelihoodPerToken => LogLikelihood / NumTokens;

    /// <summary>exp(-ln p / tokens): among how many equally likely tokens the model chooses, as it were; NaN for a text without tokens.</summary>
    public double PerplexityPerToken => Math.Exp(-LogLikelihood / NumTokens);

    /// <summary>exp(-ln p / bytes); NaN for a text without bytes. Compares models whatever their tokenizers.</summary>
    public double PerplexityPerByte => Math.Exp(-LogLikelihood / NumBytes);

    /// <summary>exp(-ln p / words); NaN or infinite for a text without words. Compares models whatever their tokenizers.</summary>
    public double PerplexityPerWord => Math.Exp(-LogLikelihood / NumWords);

    /// <summary>Two texts together.</summary>
    public static TextScore operator +(TextScore x, TextScore y) =>
        new(x.LogLikelihood + y.LogLikelihood, x.NumTokens + y.NumTokens, x.NumBytes + y.NumBytes, x.NumWords + y.NumWords);

    /// <summary>Two texts together, for languages without operators.</summary>
    public static TextScore Add(TextScore x, TextScore y) => x + y;

    /// <summary>The words of a text: runs of what is not white space.</summary>
    public static long CountWords(ReadOnlySpan<char> text)
    {
        long words = 0;
        bool inside = false;
        foreach (char c in text)
        {
            bool isSpace = char.IsWhiteSpace(c);
            words += !isSpace && !inside ? 1 : 0;
            inside = !isSpace;
        }
        return words;
    }
}
