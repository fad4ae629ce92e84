using Maha.Layers.Attention;
using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B batch, N length, S scales

/// <summary>What can be inspected of one layer after a forward pass.</summary>
/// <param name="ScaleWeights">The weights of the scales, [B, S] or [B, N, S], without gradient; null where the layer has no scales.</param>
/// <param name="Diagnostics">How the aggregation's solver ended; null where the layer has no aggregation.</param>
public sealed record LayerReport(Tensor? ScaleWeights, SolverDiagnostics? Diagnostics)
{
    /// <summary>The entropy of the attention, [B, S]; see <see cref="MixingResult.AttentionEntropy"/>.</summary>
    public Tensor? AttentionEntropy { get; init; }
}
