namespace Maha.MLNet.Rows;

/// <summary>A row to train on.</summary>
/// <param name="Text">The text.</param>
/// <param name="Labels">The indices of the labels, from 0: one class, or any number of labels.</param>
/// <param name="Weight">The weight, above 0; null where the rows have none.</param>
internal readonly record struct LabeledText(string Text, int[] Labels, float? Weight);
