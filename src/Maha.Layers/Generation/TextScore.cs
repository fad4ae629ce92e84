namespace Maha.Layers.Generation;

/// <summary>The likelihood of a text under a language model, with the lengths of the text.</summary>
/// <param name="LogLikelihood">
/// ln p(text), the sum of ln p(token | tokens before it) over the tokens of the text, at most 0. The end of the text is not counted.
/// </param>
/// <param name="NumTokens">The number of tokens of the text.</param>
/// <param name="NumBytes">The number of bytes of the text in UTF-8.</param>
/// <param name="NumWords">The number of words of the text, where a word is a run of characters that are not white space.</param>
public readonly record struct TextScore(double LogLikelihood, long NumTokens, long NumBytes, long NumWords)
{
    /// <summary>The mean of ln p(token); NaN for a text without tokens. It compares texts under the same model and tokenizer.</summary>
    public double LogLikelihoodPerToken => LogLikelihood / NumTokens;

    /// <summary>
    /// The perplexity per token, exp(-ln p / tokens): the model is as uncertain as among this many equally likely tokens. NaN for a text
    /// without tokens.
    /// </summary>
    public double PerplexityPerToken => Math.Exp(-LogLikelihood / NumTokens);

    /// <summary>The perplexity per byte, exp(-ln p / bytes); NaN for a text without bytes. It compares models with different tokenizers.</summary>
    public double PerplexityPerByte => Math.Exp(-LogLikelihood / NumBytes);

    /// <summary>
    /// The perplexity per word, exp(-ln p / words); NaN or infinite for a text without words. It compares models with different
    /// tokenizers.
    /// </summary>
    public double PerplexityPerWord => Math.Exp(-LogLikelihood / NumWords);

    /// <summary>Returns the score of two texts together.</summary>
    public static TextScore operator +(TextScore x, TextScore y) =>
        new(x.LogLikelihood + y.LogLikelihood, x.NumTokens + y.NumTokens, x.NumBytes + y.NumBytes, x.NumWords + y.NumWords);

    /// <summary>Returns the score of two texts together, for languages without operators.</summary>
    public static TextScore Add(TextScore x, TextScore y) => x + y;

    /// <summary>Counts the words of a text, where a word is a run of characters that are not white space.</summary>
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
