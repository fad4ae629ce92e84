namespace Maha.Report.Content;

/// <summary>A test document and its prediction.</summary>
/// <param name="Label">The index of its label.</param>
/// <param name="Predicted">The index of the predicted label.</param>
/// <param name="Confidence">The probability of the predicted label.</param>
/// <param name="OfLabel">The probability of its label.</param>
/// <param name="Words">The number of its words, between white space.</param>
internal readonly record struct JudgedRow(int Label, int Predicted, double Confidence, double OfLabel, int Words)
{
    /// <summary>Whether the prediction is right.</summary>
    public bool IsRight => Label == Predicted;
}

/// <summary>A test document that is shown.</summary>
/// <param name="Row">Its prediction.</param>
/// <param name="Text">Its text.</param>
internal sealed record JudgedExample(JudgedRow Row, string Text);
