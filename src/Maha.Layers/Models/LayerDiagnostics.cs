using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B batch, N length, S scales

/// <summary>Statistics of one layer over a set of documents, for logs and tables.</summary>
public sealed record LayerDiagnostics
{
    /// <summary>The mean weight of each scale over the documents' tokens, S numbers with sum 1, the finest scale first.</summary>
    /// <value>Null if the layer has no scales.</value>
    public IReadOnlyList<double>? MeanScaleWeights { get; init; }

    /// <summary>The share of scale weights that are exactly 0, among the scales that a document has.</summary>
    /// <value>From 0 to 1; null if the layer has no scales or was not inspected.</value>
    public double? Sparsity { get; init; }

    /// <summary>The mean entropy of the attention at each scale, in nats, over the tokens of the documents that have the scale.</summary>
    /// <value>NaN for a scale that no document has; null if the layer was not inspected.</value>
    public IReadOnlyList<double>? AttentionEntropy { get; init; }

    /// <summary>The largest residual of the solver of the scale weights; 0 for a closed form.</summary>
    public double MaxResidual { get; init; }

    /// <summary>The largest number of iterations of the solver; 0 for a closed form.</summary>
    public int Iterations { get; init; }

    /// <summary>Whether the solver reached its tolerance for every problem.</summary>
    public bool Converged { get; init; } = true;

    /// <summary>Computes the diagnostics of one batch.</summary>
    /// <param name="encoding">The result of the encoder.</param>
    /// <param name="keyPaddingMask">The padding mask that the encoder was given, [B, N]; null if no token is padded.</param>
    /// <returns>One entry per layer, the first layer first.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="encoding"/> is null.</exception>
    public static IReadOnlyList<LayerDiagnostics> Compute(EncoderResult encoding, Tensor? keyPaddingMask)
    {
        ArgumentNullException.ThrowIfNull(encoding);
        var sums = new DiagnosticsSums();
        sums.Add(encoding, keyPaddingMask);
        return sums.Complete();
    }
}
