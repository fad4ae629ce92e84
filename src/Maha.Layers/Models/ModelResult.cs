using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B batch, N length, C classes

/// <summary>What a model with a head returns.</summary>
/// <param name="Logits">[B, C] for a classifier of documents, [B, N, C] for a model of tokens.</param>
/// <param name="Encoding">The features under the head, the auxiliary loss, and what can be inspected.</param>
public sealed record ModelResult(Tensor Logits, EncoderResult Encoding) : IDisposable
{
    /// <summary>The sum of the layers' auxiliary losses, a scalar.</summary>
    public Tensor AuxiliaryLoss => Encoding.AuxiliaryLoss;

    /// <summary>Frees the tensors of the result. Not needed inside a dispose scope.</summary>
    public void Dispose()
    {
        Logits.Dispose();
        Encoding.Dispose();
    }

    /// <summary>Hands all tensors of the result to the scope around the innermost one.</summary>
    internal ModelResult MoveToOuterDisposeScope()
    {
        Logits.MoveToOuterDisposeScope();
        Encoding.MoveToOuterDisposeScope();
        return this;
    }
}
