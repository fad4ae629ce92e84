using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B batch, N length, C classes

/// <summary>The result of a model with an output layer.</summary>
/// <param name="Logits">[B, C] for a classifier of documents, [B, N, C] for a model of tokens.</param>
/// <param name="Encoding">The result of the encoder: features, auxiliary loss and layer reports.</param>
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

    /// <summary>Moves all tensors of the result to the dispose scope around the current one.</summary>
    internal ModelResult MoveToOuterDisposeScope()
    {
        Logits.MoveToOuterDisposeScope();
        Encoding.MoveToOuterDisposeScope();
        return this;
    }
}
