namespace AutoML;

/// <summary>A row of the data: a label and a text.</summary>
public sealed class Document
{
    /// <summary>The class.</summary>
    public string Label { get; set; } = "";

    /// <summary>The whole document.</summary>
    public string Text { get; set; } = "";
}
