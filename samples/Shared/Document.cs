using Microsoft.ML.Data;

namespace Maha.Samples.Shared;

/// <summary>A row of the data: a label and a text.</summary>
public sealed class Document
{
    /// <summary>The class of the document.</summary>
    public string Label { get; set; } = "";

    /// <summary>The whole document.</summary>
    public string Text { get; set; } = "";
}

/// <summary>The prediction for a document.</summary>
public sealed class Prediction
{
    /// <summary>The most probable class.</summary>
    [ColumnName("PredictedLabelName")]
    public string PredictedLabel { get; set; } = "";

    /// <summary>The probability of every class.</summary>
    public float[] Score { get; set; } = [];
}
