using Maha.Layers.Attention;
using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B batch, N length, S scales

/// <summary>The report of one layer about a forward pass.</summary>
/// <param name="ScaleWeights">The weights of the scales, [B, S] or [B, N, S], without gradient; null if the layer has no scales.</param>
public sealed record LayerReport(Tensor? ScaleWeights)
{
    /// <summary>The residual and the iterations of the solver of the scale weights; null if the layer has no aggregation.</summary>
    internal SolverDiagnostics? Diagnostics { get; init; }

    /// <summary>The entropy of the attention, [B, S]; see <see cref="MixingResult.AttentionEntropy"/>.</summary>
    public Tensor? AttentionEntropy { get; init; }

    /// <summary>Frees the tensors of the report.</summary>
    internal void Dispose()
    {
        ScaleWeights?.Dispose();
        AttentionEntropy?.Dispose();
        Diagnostics?.Dispose();
    }

    /// <summary>Moves the tensors of the report to the dispose scope around the current one.</summary>
    internal void MoveToOuterDisposeScope()
    {
        ScaleWeights?.MoveToOuterDisposeScope();
        AttentionEntropy?.MoveToOuterDisposeScope();
        Diagnostics?.MoveToOuterDisposeScope();
    }
}
