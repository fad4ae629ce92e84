using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B batch, N length, D width

/// <summary>Applies blocks one after the other.</summary>
internal static class BlockSequence
{
    /// <summary>Applies the blocks to a batch.</summary>
    /// <param name="blocks">The blocks, the first to apply first.</param>
    /// <param name="hidden">[B, N, D].</param>
    /// <param name="context">The padding mask and other data that the layers share.</param>
    /// <param name="recompute">Whether the backward pass computes the blocks again, so that their activations need not be kept.</param>
    /// <returns>The output of the last block (of none: the input), the sum of the auxiliary losses, and a report per block.</returns>
    public static EncoderResult Apply(IEnumerable<MahaBlock> blocks, Tensor hidden, MixingContext context, bool recompute)
    {
        using var scope = NewDisposeScope();
        Tensor? auxiliaryLoss = null;
        var output = hidden;
        var layers = new List<LayerReport>();
        foreach (var block in blocks)
        {
            var result = recompute && is_grad_enabled() ? RecomputedBlockFunction.Apply(block, output, context) : block.call(output, context);
            output = result.Output;
            auxiliaryLoss = auxiliaryLoss is null ? result.AuxiliaryLoss : auxiliaryLoss + result.AuxiliaryLoss;
            layers.Add(new LayerReport(result.ScaleWeights) { Diagnostics = result.Diagnostics, AttentionEntropy = result.AttentionEntropy });
        }
        auxiliaryLoss ??= zeros(Array.Empty<long>(), hidden.dtype, hidden.device);
        return new EncoderResult(ReferenceEquals(output, hidden) ? hidden.alias() : output, auxiliaryLoss, layers).MoveToOuterDisposeScope();
    }
}
