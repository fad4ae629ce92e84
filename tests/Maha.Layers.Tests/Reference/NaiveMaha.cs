namespace Maha.Layers.Tests.Reference;

/// <summary>
/// MAHA attention in plain loops over doubles, one document at a time. It is slow, and too simple to share the errors of the fast code. Rows are tokens.
/// </summary>
internal static class NaiveMaha
{
    /// <summary>Computes y = W x + b for each row.</summary>
    public static double[][] Linear(double[][] rows, double[][] weight, double[] bias)
        => [.. rows.Select(row => weight.Select((w, o) => Dot(w, row) + bias[o]).ToArray())];

    /// <summary>Convolution over rows; weight[out][in][k].</summary>
    public static double[][] Convolution(double[][] rows, double[][][] weight, double[] bias, int stride, int padding, int dilation)
    {
        int kernel = weight[0][0].Length, length = rows.Length;
        int outputs = (length + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
        double[][] result = new double[outputs][];
        for (int i = 0; i < outputs; i++)
        {
            result[i] = (double[])bias.Clone();
            for (int o = 0; o < bias.Length; o++)
            {
                for (int k = 0; k < kernel; k++)
                {
                    int at = i * stride + k * dilation - padding;
                    for (int c = 0; at >= 0 && at < length && c < rows[at].Length; c++)
                        result[i][o] += weight[o][c][k] * rows[at][c];
                }
            }
        }
        return result;
    }

    /// <summary>The adaptive maximum: cell i covers rows floor(i n / m) to ceil((i + 1) n / m) - 1.</summary>
    public static double[][] MaxPool(double[][] rows, int cells)
    {
        double[][] result = new double[cells][];
        for (int i = 0; i < cells; i++)
        {
            int from = i * rows.Length / cells, to = ((i + 1) * rows.Length + cells - 1) / cells;
            result[i] = [.. rows[0].Select((_, c) => Enumerable.Range(from, to - from).Max(at => rows[at][c]))];
        }
        return result;
    }

    /// <summary>Row i is row floor(i m / n).</summary>
    public static double[][] Upsample(double[][] rows, int length)
        => [.. Enumerable.Range(0, length).Select(i => rows[(int)((long)i * rows.Length / length)])];

    /// <summary>Computes the softmax attention of each head; the heads are concatenated.</summary>
    public static double[][] Attention(double[][] queries, double[][] keys, double[][] values, int heads)
    {
        int width = queries[0].Length / heads;
        double[][] result = queries.Select(_ => new double[queries[0].Length]).ToArray();
        for (int head = 0; head < heads; head++)
        {
            int first = head * width;
            for (int i = 0; i < queries.Length; i++)
            {
                double[] weights = Softmax([.. keys.Select(key => Dot(queries[i].AsSpan(first, width), key.AsSpan(first, width)) / Math.Sqrt(width))]);
                for (int j = 0; j < keys.Length; j++)
                {
                    for (int c = first; c < first + width; c++)
                        result[i][c] += weights[j] * values[j][c];
                }
            }
        }
        return result;
    }

    /// <summary>Computes the scale weights of the published "nash" aggregation after a number of steps.</summary>
    public static double[] NashWeights(double[][][] scales, int steps)
    {
        double[] weights = [.. scales.Select(_ => 1.0 / scales.Length)];
        for (int step = 0; step < steps; step++)
        {
            double[][] consensus = WeightedSum(scales, weights);
            weights = Softmax([.. scales.Select(scale => -Math.Sqrt(scale.Zip(consensus, (a, b) => a.Zip(b, (x, y) => (x - y) * (x - y)).Sum()).Sum()))]);
        }
        return weights;
    }

    /// <summary>sum of weight times scale.</summary>
    public static double[][] WeightedSum(double[][][] scales, double[] weights)
        => [.. scales[0].Select((row, i) => row.Select((_, c) => scales.Select((scale, s) => weights[s] * scale[i][c]).Sum()).ToArray())];

    public static double[] Softmax(double[] numbers)
    {
        double most = numbers.Max();
        double[] exponentials = [.. numbers.Select(number => Math.Exp(number - most))];
        return [.. exponentials.Select(number => number / exponentials.Sum())];
    }

    private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
