namespace Maha.Layers.Attention;

/// <summary>The normalization of scale outputs in Gram matrices: every row is divided by sqrt(mean square + epsilon).</summary>
internal static class RmsNormalization
{
    /// <summary>Keeps the division defined for a row of zeros. It is far below the mean square of any trained activation.</summary>
    public const double Epsilon = 1e-6;
}
