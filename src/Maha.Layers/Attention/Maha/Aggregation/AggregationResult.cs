using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, S scales, D width

/// <summary>The result of an aggregation.</summary>
/// <param name="Output">[B, N, D].</param>
/// <param name="ScaleWeights">
/// The weights over the scales, each row with sum 1: [B, S] where a document has one row, [B, N, S] where every token has its own row.
/// </param>
/// <param name="AuxiliaryLoss">A scalar to be added to the training loss; 0 where the aggregation has none.</param>
/// <param name="Diagnostics">The outcome of the solver.</param>
internal sealed record AggregationResult(Tensor Output, Tensor ScaleWeights, Tensor AuxiliaryLoss, SolverDiagnostics Diagnostics) : IDisposable
{
    /// <summary>Frees the tensors of the result. Not needed inside a dispose scope.</summary>
    public void Dispose()
    {
        Output.Dispose();
        ScaleWeights.Dispose();
        AuxiliaryLoss.Dispose();
        Diagnostics.Dispose();
    }

    /// <summary>Moves all tensors of the result to the scope around the innermost one.</summary>
    public AggregationResult MoveToOuterDisposeScope()
    {
        Output.MoveToOuterDisposeScope();
        ScaleWeights.MoveToOuterDisposeScope();
        AuxiliaryLoss.MoveToOuterDisposeScope();
        Diagnostics.MoveToOuterDisposeScope();
        return this;
    }
}
