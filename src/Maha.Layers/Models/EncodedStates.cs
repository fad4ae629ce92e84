using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B documents, C states of a document, D width

/// <summary>The states of documents.</summary>
/// <param name="States">[B, C, D], 0 at padding.</param>
/// <param name="Mask">[B, C] of Bool, true = padding; null without padding.</param>
/// <param name="Sizes">The number of tokens of each state, without special tokens, [B, C]; 0 at padding.</param>
/// <param name="AuxiliaryLoss">The sum of the layers' auxiliary losses, a scalar.</param>
/// <param name="Layers">The reports of the layers over the document, the first layer first.</param>
internal sealed record EncodedStates(Tensor States, Tensor? Mask, float[] Sizes, Tensor AuxiliaryLoss, IReadOnlyList<LayerReport> Layers)
{
    /// <summary>Moves all tensors to the dispose scope around the current one.</summary>
    public EncodedStates MoveToOuterDisposeScope()
    {
        States.MoveToOuterDisposeScope();
        Mask?.MoveToOuterDisposeScope();
        AuxiliaryLoss.MoveToOuterDisposeScope();
        foreach (var layer in Layers)
            layer.MoveToOuterDisposeScope();
        return this;
    }
}
