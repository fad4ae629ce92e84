using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B batch, N length, S scales

/// <summary>What a layer did with a set of documents, in numbers: for logs and tables.</summary>
public sealed record LayerDiagnostics
{
    /// <summary>The mean weight of each scale over the documents' tokens, S numbers with sum 1, the finest scale first; null where the layer has no scales.</summary>
    public IReadOnlyList<double>? MeanScaleWeights { get; init; }

    /// <summary>The share of weights that are exactly 0, among the scales that a document has; null where the layer has no scales or was not inspected.</summary>
    public double? Sparsity { get; init; }

    /// <summary>The mean entropy of the attention at each scale over the tokens of the documents that have it, in nats, NaN where none has; null where the layer was not inspected.</summary>
    public IReadOnlyList<double>? AttentionEntropy { get; init; }

    /// <summary>The largest residual of the solver of the scale weights; 0 for a closed form.</summary>
    public double MaxResidual { get; init; }

    /// <summary>The most iterations of the solver; 0 for a closed form.</summary>
    public int Iterations { get; init; }

    /// <summary>Whether the solver reached its tolerance for every problem.</summary>
    public bool Converged { get; init; } = true;

    /// <summary>The diagnostics of one batch.</summary>
    /// <param name="encoding">What the encoder returned.</param>
    /// <param name="keyPaddingMask">The padding it was given, [B, N]; null where nothing is padded.</param>
    /// <returns>One entry a layer, the first layer first.</returns>
    public static IReadOnlyList<LayerDiagnostics> Compute(EncoderResult encoding, Tensor? keyPaddingMask)
    {
        ArgumentNullException.ThrowIfNull(encoding);
        var sums = new DiagnosticsSums();
        sums.Add(encoding, keyPaddingMask);
        return sums.Complete();
    }
}
