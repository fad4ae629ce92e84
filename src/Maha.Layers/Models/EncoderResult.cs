using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B batch, N length, D width

/// <summary>The result of an encoder.</summary>
/// <param name="Features">[B, N, D].</param>
/// <param name="AuxiliaryLoss">The sum of the layers' auxiliary losses, a scalar.</param>
/// <param name="Layers">The reports of the layers, the first layer first.</param>
public sealed record EncoderResult(Tensor Features, Tensor AuxiliaryLoss, IReadOnlyList<LayerReport> Layers) : IDisposable
{
    /// <summary>Frees the tensors of the result. Not needed inside a dispose scope.</summary>
    public void Dispose()
    {
        Features.Dispose();
        AuxiliaryLoss.Dispose();
        foreach (var layer in Layers)
            layer.Dispose();
    }

    /// <summary>Moves all tensors of the result to the dispose scope around the current one.</summary>
    internal EncoderResult MoveToOuterDisposeScope()
    {
        Features.MoveToOuterDisposeScope();
        AuxiliaryLoss.MoveToOuterDisposeScope();
        foreach (var layer in Layers)
            layer.MoveToOuterDisposeScope();
        return this;
    }
}
