namespace Maha.MLNet.Explanation;

/// <summary>The parts of a text that speak for and against a label, according to a classifier.</summary>
/// <remarks>
/// <para>The classifier adds the logits of its n-grams and of its network. <see cref="Score"/> is the logit of the label less the mean of the other labels'
/// logits, where each of the others counts in proportion to its probability. With two labels it is the log odds of the label.</para>
/// <para>Score = <see cref="NGramBias"/> + the sum of <see cref="NGramSpans"/> + <see cref="NetworkScore"/> + <see cref="RepeatedTextScore"/>, up to
/// rounding. The network is not linear: the sum of <see cref="NetworkSpans"/> is not <see cref="NetworkScore"/>.</para>
/// </remarks>
public sealed class TextExplanation
{
    internal TextExplanation(string label, double probability, IReadOnlyList<TextSpan> ngrams, IReadOnlyList<TextSpan> network)
    {
        (Label, Probability, NGramSpans, NetworkSpans) = (label, probability, ngrams, network);
        Spans = SpanJoin.Join(ngrams, network);
    }

    /// <summary>The label that is explained, as text.</summary>
    public string Label { get; }

    /// <summary>The probability of the label, as the classifier predicts it.</summary>
    public double Probability { get; }

    /// <summary>
    /// The spans of n-grams and network, joined, in the order of the text: the words of <see cref="NGramSpans"/>, each with its share of the window of
    /// <see cref="NetworkSpans"/> that it begins in, in proportion to its length. A window in which no word begins belongs to the word that reaches into it,
    /// and without one is a span of its own. Spans do not overlap. If one of both lists is empty, the spans are those of the other.
    /// </summary>
    public IReadOnlyList<TextSpan> Spans { get; }

    /// <summary>
    /// The words and punctuation characters with the exact contributions of the linear models, in the order of the text. Half of what a pair of words
    /// contributes is in each of them. Empty for a classifier without n-grams.
    /// </summary>
    public IReadOnlyList<TextSpan> NGramSpans { get; }

    /// <summary>
    /// The windows of the text, each with the difference between <see cref="NetworkScore"/> and the same score of the text without the tokens of the window.
    /// In the order of the text. Empty if the network has no weight, or was not asked.
    /// </summary>
    public IReadOnlyList<TextSpan> NetworkSpans { get; }

    /// <summary>The score of the label: see the remarks of the type.</summary>
    public double Score { get; internal init; }

    /// <summary>The part of the score that the linear models give to an empty text; 0 for a classifier without n-grams.</summary>
    public double NGramBias { get; internal init; }

    /// <summary>The part of the score that the network gives to the text.</summary>
    public double NetworkScore { get; internal init; }

    /// <summary>The part of the score that is due to the labels of training documents with the same text; 0 if there are none.</summary>
    public double RepeatedTextScore { get; internal init; }
}
