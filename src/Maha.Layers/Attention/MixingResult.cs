using Maha.Layers.Aggregation;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, S scales, D width

/// <summary>What a token mixer or a block returns.</summary>
/// <param name="Output">[B, N, D].</param>
/// <param name="AuxiliaryLoss">A scalar to be added to the training loss; 0 where the layer has none.</param>
public sealed record MixingResult(Tensor Output, Tensor AuxiliaryLoss) : IDisposable
{
    /// <summary>The weights of the scales, [B, S] or [B, N, S], without gradient; null where the layer has no scales.</summary>
    public Tensor? ScaleWeights { get; init; }

    /// <summary>How the aggregation's solver ended; null where the layer has no aggregation.</summary>
    public SolverDiagnostics? Diagnostics { get; init; }

    /// <summary>Frees the tensors of the result, the output among them. Not needed inside a dispose scope.</summary>
    public void Dispose()
    {
        Output.Dispose();
        AuxiliaryLoss.Dispose();
        ScaleWeights?.Dispose();
        Diagnostics?.Dispose();
    }

    /// <summary>Hands all tensors of the result to the scope around the innermost one.</summary>
    internal MixingResult MoveToOuterDisposeScope()
    {
        Output.MoveToOuterDisposeScope();
        AuxiliaryLoss.MoveToOuterDisposeScope();
        ScaleWeights?.MoveToOuterDisposeScope();
        Diagnostics?.Residuals?.MoveToOuterDisposeScope();
        return this;
    }
}
