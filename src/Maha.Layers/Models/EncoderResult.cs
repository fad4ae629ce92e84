using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B batch, N length, D width

/// <summary>What an encoder returns.</summary>
/// <param name="Features">[B, N, D].</param>
/// <param name="AuxiliaryLoss">The sum of the layers' auxiliary losses, a scalar.</param>
/// <param name="Layers">What can be inspected, one entry a layer, the first layer first.</param>
public sealed record EncoderResult(Tensor Features, Tensor AuxiliaryLoss, IReadOnlyList<LayerReport> Layers) : IDisposable
{
    /// <summary>Frees the tensors of the result. Not needed inside a dispose scope.</summary>
    public void Dispose()
    {
        Features.Dispose();
        AuxiliaryLoss.Dispose();
        foreach (var layer in Layers)
        {
            layer.ScaleWeights?.Dispose();
            layer.AttentionEntropy?.Dispose();
            layer.Diagnostics?.Dispose();
        }
    }

    /// <summary>Hands all tensors of the result to the scope around the innermost one.</summary>
    internal EncoderResult MoveToOuterDisposeScope()
    {
        Features.MoveToOuterDisposeScope();
        AuxiliaryLoss.MoveToOuterDisposeScope();
        foreach (var layer in Layers)
        {
            layer.ScaleWeights?.MoveToOuterDisposeScope();
            layer.AttentionEntropy?.MoveToOuterDisposeScope();
            layer.Diagnostics?.Residuals?.MoveToOuterDisposeScope();
        }
        return this;
    }
}
