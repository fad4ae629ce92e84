namespace Maha.Layers.Tests.Reference;

/// <summary>The kind of scale outputs of an instance.</summary>
internal enum GramKind
{
    Random,
    EqualScales,
    ZeroOutputs,
    AlmostEqualScales,
}

/// <summary>Random Gram matrices of RMS-normalized outputs.</summary>
internal static class GramInstances
{
    public static double[] Of(Random random, int scales, GramKind kind)
    {
        int width = 1 + random.Next(24);
        double[][] rows = new double[scales][];
        for (int s = 0; s < scales; s++)
        {
            rows[s] = kind switch
            {
                GramKind.ZeroOutputs => new double[width],
                GramKind.EqualScales when s > 0 => [.. rows[0]],
                _ => [.. Enumerable.Range(0, width).Select(_ => (2 * random.NextDouble()) - 1 + (kind == GramKind.AlmostEqualScales ? 30 : 0))],
            };
        }
        foreach (double[] row in rows)
        {
            double inverse = 1 / Math.Sqrt((row.Sum(x => x * x) / width) + 1e-6);
            for (int d = 0; d < width; d++)
                row[d] *= inverse;
        }
        double[] gram = new double[scales * scales];
        for (int i = 0; i < gram.Length; i++)
            gram[i] = rows[i / scales].Zip(rows[i % scales], (x, y) => x * y).Sum() / width;
        return gram;
    }
}

/// <summary>Points of the simplex whose weights are multiples of 1 / steps.</summary>
internal static class SimplexGrid
{
    public static IEnumerable<double[]> Points(int scales, int steps)
        => Parts(scales, steps).Select(parts => parts.Select(part => (double)part / steps).ToArray());

    private static IEnumerable<int[]> Parts(int scales, int left)
    {
        if (scales == 1)
            return [[left]];
        return Enumerable.Range(0, left + 1).SelectMany(first => Parts(scales - 1, left - first).Select(rest => (int[])[first, .. rest]));
    }
}
