namespace Maha.Layers.Attention;

/// <summary>The number of scales that a document needs.</summary>
internal static class ScaleCount
{
    /// <summary>The largest number of scales of a model.</summary>
    public const int Max = 12;

    /// <summary>
    /// Returns the smallest number of scales, at most <see cref="Max"/>, for which the coarsest scale of <paramref name="length"/> tokens has at most 2w
    /// tokens.
    /// </summary>
    /// <param name="length">N, the number of tokens.</param>
    /// <param name="ratio">r, the compression ratio.</param>
    /// <param name="window">w, the tokens of a window.</param>
    public static int Needed(long length, int ratio, int window)
    {
        int count = 1;
        for (; length > 2L * window && count < Max; count++)
            length = (length + ratio - 1) / ratio;
        return count;
    }
}
