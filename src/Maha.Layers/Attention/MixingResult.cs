using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, S scales, D width

/// <summary>The result of a token mixer or a block.</summary>
/// <param name="Output">[B, N, D].</param>
/// <param name="AuxiliaryLoss">A scalar to be added to the training loss; 0 where the layer has none.</param>
public sealed record MixingResult(Tensor Output, Tensor AuxiliaryLoss) : IDisposable
{
    /// <summary>The weights of the scales, [B, S] or [B, N, S], without gradient; null where the layer has no scales.</summary>
    public Tensor? ScaleWeights { get; init; }

    /// <summary>The outcome of the aggregation's solver; null where the layer has no aggregation.</summary>
    internal SolverDiagnostics? Diagnostics { get; init; }

    /// <summary>
    /// The entropy of the attention at each scale, [B, S] (S = 1 where the layer has no scales), in nats, without gradient: the mean over the heads and over
    /// the document's tokens (for softmax attention at most 64 evenly spaced ones). NaN where a document does not have the scale. Null without
    /// <see cref="MixingContext.Inspect"/>, and for <see cref="AttentionKind.MahaReference"/>.
    /// </summary>
    public Tensor? AttentionEntropy { get; init; }

    /// <summary>Frees the tensors of the result, the output among them. Not needed inside a dispose scope.</summary>
    public void Dispose()
    {
        Output.Dispose();
        AuxiliaryLoss.Dispose();
        ScaleWeights?.Dispose();
        AttentionEntropy?.Dispose();
        Diagnostics?.Dispose();
    }

    /// <summary>Moves all tensors of the result to the scope around the innermost one.</summary>
    internal MixingResult MoveToOuterDisposeScope()
    {
        Output.MoveToOuterDisposeScope();
        AuxiliaryLoss.MoveToOuterDisposeScope();
        ScaleWeights?.MoveToOuterDisposeScope();
        AttentionEntropy?.MoveToOuterDisposeScope();
        Diagnostics?.MoveToOuterDisposeScope();
        return this;
    }
}
