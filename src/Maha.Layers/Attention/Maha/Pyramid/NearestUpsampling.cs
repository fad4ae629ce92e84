using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, M shorter length, D width

/// <summary>Upsamples a coarse scale to the length of a finer one by repeating tokens (equation 13).</summary>
internal static class NearestUpsampling
{
    /// <summary>Repeats tokens: row i of the result is row floor(i * M / N) of <paramref name="coarse"/>.</summary>
    /// <remarks>
    /// The index is computed in integers: in float32, i * (M / N) is just below an integer for some pairs of lengths
    /// (from N = 41 * M on) and would select the previous token.
    /// </remarks>
    /// <param name="coarse">[B, M, D].</param>
    /// <param name="length">N.</param>
    /// <returns>[B, N, D].</returns>
    public static Tensor To(Tensor coarse, long length)
    {
        using var scope = NewDisposeScope();
        long coarseLength = coarse.shape[1];
        if (coarseLength == length)
            return coarse.alias().MoveToOuterDisposeScope();
        long[] source = new long[length];
        for (long i = 0; i < length; i++)
            source[i] = (long)((Int128)i * coarseLength / length);
        var index = tensor(source, device: coarse.device);
        return coarse.index_select(1, index).MoveToOuterDisposeScope(); // [B, N, D]
    }
}
