using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, S scales, D width

/// <summary>What an aggregation returns.</summary>
/// <param name="Output">[B, N, D].</param>
/// <param name="ScaleWeights">The weights over the scales, each row with sum 1: [B, S] where a document has one row, [B, N, S] where every token has its own.</param>
/// <param name="AuxiliaryLoss">A scalar to be added to the training loss; 0 where the strategy has none.</param>
/// <param name="Diagnostics">How the solver ended.</param>
public sealed record AggregationResult(Tensor Output, Tensor ScaleWeights, Tensor AuxiliaryLoss, SolverDiagnostics Diagnostics) : IDisposable
{
    /// <summary>Frees the tensors of the result. Not needed inside a dispose scope.</summary>
    public void Dispose()
    {
        Output.Dispose();
        ScaleWeights.Dispose();
        AuxiliaryLoss.Dispose();
        Diagnostics.Dispose();
    }

    /// <summary>Hands all tensors of the result to the scope around the innermost one.</summary>
    internal AggregationResult MoveToOuterDisposeScope()
    {
        Output.MoveToOuterDisposeScope();
        ScaleWeights.MoveToOuterDisposeScope();
        AuxiliaryLoss.MoveToOuterDisposeScope();
        Diagnostics.Residuals?.MoveToOuterDisposeScope();
        return this;
    }
}
