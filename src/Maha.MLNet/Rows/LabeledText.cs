namespace Maha.MLNet.Rows;

/// <summary>A row to train a classifier on.</summary>
/// <param name="Text">The text.</param>
/// <param name="Label">The class index, from 0.</param>
/// <param name="Weight">The weight, above 0; null where the rows have none.</param>
internal readonly record struct LabeledText(string Text, int Label, float? Weight);
