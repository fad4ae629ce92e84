namespace Maha.Onnx;

// C classes

/// <summary>The inputs of an exported graph for one text. <see cref="OnnxTextReader"/> computes them.</summary>
/// <remarks>
/// A batch has one row per text, padded on the right to the longest, at least one column; the masks hold 1 for ids and 0 for padding.
/// </remarks>
public sealed record OnnxTextInput
{
    /// <summary>The row of <c>input_ids</c>. For a model that reads windows, the windows one after the other, each with its special tokens.</summary>
    public required IReadOnlyList<int> InputIds { get; init; }

    /// <summary>The row of <c>spectral_ids</c>; empty for a graph without this input.</summary>
    public IReadOnlyList<int> SpectralIds { get; init; } = [];

    /// <summary>The row of <c>ngram_logits</c>, [C]; empty for a graph without this input.</summary>
    public IReadOnlyList<float> NGramLogits { get; init; } = [];

    /// <summary>The row of <c>copy_counts</c>, [C]: how often each class had this very text in the training; empty for a graph without this input.</summary>
    public IReadOnlyList<float> CopyCounts { get; init; } = [];
}
