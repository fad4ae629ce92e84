using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, n valid tokens, S scales

/// <summary>What a scale costs relative to all that a document uses: the prices' unit.</summary>
internal static class ScaleCosts
{
    /// <summary>kappa [B, S]: FLOPs of projecting and attending at each scale at the document's own length, divided by their sum; 0 for scales not used.</summary>
    public static Tensor Relative(int[] validLengths, ScaleHierarchy hierarchy, MahaBlockOptions options, Tensor like)
    {
        int scales = options.NumScales;
        double[] costs = new double[validLengths.Length * scales];
        for (int document = 0; document < validLengths.Length; document++)
        {
            double total = 0;
            for (int scale = 0; scale < hierarchy.Count; scale++)
            {
                double tokens = hierarchy.ValidLengths[scale][document];
                double keys = Math.Min(tokens, 3.0 * options.Window);
                total += costs[(document * scales) + scale] = tokens * ((4.0 * options.DModel) + (4.0 * keys)) * options.DModel;
            }
            for (int scale = 0; scale < scales && total > 0; scale++)
                costs[(document * scales) + scale] /= total;
        }
        return tensor(costs, [validLengths.Length, scales], device: like.device).to(like.dtype);
    }
}
