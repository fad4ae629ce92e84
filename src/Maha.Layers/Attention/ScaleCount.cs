namespace Maha.Layers.Attention;

/// <summary>How many scales a length needs.</summary>
internal static class ScaleCount
{
    /// <summary>The most scales of a model.</summary>
    public const int Max = 12;

    /// <summary>The smallest number of scales, at most <see cref="Max"/>, whose coarsest holds at most 2w of <paramref name="length"/> tokens.</summary>
    /// <param name="length">N.</param>
    /// <param name="ratio">r.</param>
    /// <param name="window">w.</param>
    public static int Needed(long length, int ratio, int window)
    {
        int count = 1;
        for (; length > 2L * window && count < Max; count++)
            length = (length + ratio - 1) / ratio;
        return count;
    }
}
