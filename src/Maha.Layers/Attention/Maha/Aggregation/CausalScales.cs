using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, N_s length at scale s, S scales, D width, r compression ratio

/// <summary>The outputs of the scales in a causal model: token i gets the last coarse token that is complete at i.</summary>
internal static class CausalScales
{
    /// <summary>Upsamples the outputs, with a mask of the scales that each token has.</summary>
    /// <param name="outputs">O_s, [B, N_s, D] each, of the scales that have a complete token.</param>
    /// <param name="hierarchy">The lengths.</param>
    /// <param name="numScales">S, the number of scales of the model.</param>
    /// <param name="relativeCosts">The share of the operations that each scale takes, [B, S]; null without prices.</param>
    /// <param name="keyPaddingMask">[B, N] or null.</param>
    public static ScaleOutputs Upsample(Tensor[] outputs, ScaleHierarchy hierarchy, int numScales, Tensor? relativeCosts, Tensor? keyPaddingMask)
    {
        int length = hierarchy.Lengths[0], batch = hierarchy.Available.Length;
        var device = outputs[0].device;
        var upsampled = new Tensor[numScales];
        bool[] missing = new bool[length * numScales];
        upsampled[0] = outputs[0];
        for (int scale = 1; scale < numScales; scale++)
        {
            // A scale is available from the first token that completes a cell on; a scale without one is zeros, and unavailable to all tokens.
            long cell = scale < hierarchy.Count ? hierarchy.Cells[scale] : long.MaxValue;
            for (int i = 0; i < length; i++)
                missing[(i * numScales) + scale] = i + 1 < cell;
            if (scale >= hierarchy.Count)
            {
                upsampled[scale] = zeros_like(outputs[0]);
                continue;
            }
            // A row of zeros in front is used by tokens before the first complete coarse token.
            var last = tensor([.. Enumerable.Range(0, length).Select(i => (i + 1) / cell)], device: device);
            upsampled[scale] = functional.pad(outputs[scale], [0, 0, 1, 0]).index_select(1, last); // [B, N, D]
        }
        return new ScaleOutputs(upsampled)
        {
            IsCausal = true,
            KeyPaddingMask = keyPaddingMask,
            UnavailableScales = tensor(missing, [1, length, numScales], device: device).expand(batch, length, numScales).contiguous(),
            RelativeCosts = relativeCosts,
        };
    }

    /// <summary>
    /// Computes every token's own Gram matrix &lt;R_s(i), R_m(i)&gt; / D, [B, N, S, S], with zero rows and columns for scales that the token lacks.
    /// </summary>
    /// <param name="scales">The scales.</param>
    /// <param name="available">The number of scales that each of the B * N tokens has, as from <see cref="Available"/>.</param>
    public static Tensor TokenGram(ScaleOutputs scales, int[] available) =>
        TensorMemory.Reachable(scales.Upsampled[0]) ? TokenGramFunction.Apply(available, scales.Upsampled) : TokenGramFallback(scales);

    /// <summary>Computes the same by tensor operators.</summary>
    public static Tensor TokenGramFallback(ScaleOutputs scales)
    {
        using var scope = NewDisposeScope();
        var rows = stack([.. scales.Upsampled], 2); // [B, N, S, D]
        if (rows.dtype != ScalarType.Float64)
            rows = rows.to(ScalarType.Float32);
        var unit = rows / (rows.pow(2).mean([-1], keepdim: true) + RmsNormalization.Epsilon).sqrt();
        if (scales.UnavailableScales is not null)
            unit = unit.masked_fill(scales.UnavailableScales.unsqueeze(-1), 0);
        return (unit.CheckedMatmul(unit.transpose(-2, -1)) / (double)rows.shape[3]).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the number of scales that each of the B * N tokens has; they are the finest ones.</summary>
    public static int[] Available(ScaleOutputs scales, int numScales)
    {
        long[] shape = scales.Upsampled[0].shape;
        int[] available = new int[shape[0] * shape[1]];
        if (scales.UnavailableScales is not { } unavailable)
        {
            Array.Fill(available, numScales);
            return available;
        }
        using var scope = NewDisposeScope();
        long[] counts = unavailable.logical_not().sum([-1]).cpu().to(ScalarType.Int64).expand(shape[0], shape[1]).contiguous().data<long>().ToArray();
        return [.. counts.Select(count => (int)count)];
    }

    /// <summary>Computes sum over s of weights[.., s] * U(O_s), [B, N, D], 0 past a document's end; weights [B, N, S].</summary>
    public static Tensor Mix(ScaleOutputs scales, Tensor weights)
    {
        long[] shape = scales.Upsampled[0].shape;
        int numScales = scales.Upsampled.Count;
        int[] lengths = DocumentLengths.Read(scales.KeyPaddingMask, shape[0], shape[1]);
        var hierarchy = new ScaleHierarchy(lengths, (int)shape[1], [.. lengths.Select(_ => numScales)]);
        return new CompactScales(scales.Upsampled, hierarchy, numScales).Mix(weights);
    }
}
