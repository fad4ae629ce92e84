namespace Maha.MLNet.Explanation;

/// <summary>A part of a text, and what it contributes to the score of a label.</summary>
/// <param name="Start">The index of the first character in the text, in UTF-16 code units, as <see cref="string.Substring(int, int)"/> counts them.</param>
/// <param name="Length">The number of UTF-16 code units.</param>
/// <param name="Contribution">
/// What the span adds to <see cref="TextExplanation.Score"/>: it speaks for the label if it is positive, against it if it is negative.
/// </param>
/// <param name="Source">The part of the classifier that the contribution comes from.</param>
public readonly record struct TextSpan(int Start, int Length, double Contribution, SpanSource Source)
{
    /// <summary>The index after the last character.</summary>
    public int End => Start + Length;
}
