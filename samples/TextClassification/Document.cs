using Microsoft.ML.Data;

namespace TextClassification;

/// <summary>A row of the data: a label and a text.</summary>
public sealed class Document
{
    /// <summary>The class.</summary>
    public string Label { get; set; } = "";

    /// <summary>The whole document.</summary>
    public string Text { get; set; } = "";
}

/// <summary>What the model says of a document.</summary>
public sealed class Prediction
{
    /// <summary>The best class.</summary>
    [ColumnName("PredictedLabelName")]
    public string PredictedLabel { get; set; } = "";

    /// <summary>The probability of every class.</summary>
    public float[] Score { get; set; } = [];
}
