using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, n valid tokens, S scales

/// <summary>The cost of each scale relative to that of all scales of a document: the quantity that prices multiply.</summary>
internal static class ScaleCosts
{
    /// <summary>
    /// Computes kappa [B, S]: the floating-point operations of projections and attention at each scale for the document's own length, divided by their sum; 0
    /// for scales that are not used.
    /// </summary>
    public static Tensor Relative(int[] validLengths, ScaleHierarchy hierarchy, int numScales, int dModel, int window, Tensor like) =>
        tensor(Compute(validLengths, hierarchy, numScales, dModel, window), [validLengths.Length, numScales], device: like.device).to(like.dtype);

    /// <summary>Computes the same as numbers, document by document.</summary>
    public static double[] Compute(int[] validLengths, ScaleHierarchy hierarchy, int numScales, int dModel, int window)
    {
        double[] costs = new double[validLengths.Length * numScales];
        for (int document = 0; document < validLengths.Length; document++)
        {
            double total = 0;
            for (int scale = 0; scale < hierarchy.Count; scale++)
            {
                double tokens = hierarchy.ValidLengths[scale][document];
                double keys = Math.Min(tokens, 3.0 * window);
                total += costs[(document * numScales) + scale] = tokens * ((4.0 * dModel) + (4.0 * keys)) * dModel;
            }
            for (int scale = 0; scale < numScales && total > 0; scale++)
                costs[(document * numScales) + scale] /= total;
        }
        return costs;
    }
}
