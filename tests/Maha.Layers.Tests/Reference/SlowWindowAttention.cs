namespace Maha.Layers.Tests.Reference;

/// <summary>Windowed attention by double loops over tokens, in double; values and, by the chain rule, gradients.</summary>
internal static class SlowWindowAttention
{
    public static (int Start, int End) Keys(int query, int window, int valid, bool causal)
    {
        int block = query / window;
        int start = Math.Max(0, (block - 1) * window);
        return (start, causal ? query + 1 : Math.Min(valid, (block + 2) * window));
    }

    /// <summary>One document and head: q, k, v are [n, K] rows; result [n, K] and the gradients for an output gradient.</summary>
    public static (double[,] Output, double[,] Dq, double[,] Dk, double[,] Dv) Run(
        double[,] q, double[,] k, double[,] v, double[,] outputGradient, int valid, int window, bool causal)
    {
        int n = q.GetLength(0), width = q.GetLength(1);
        var (output, dq, dk, dv) = (new double[n, width], new double[n, width], new double[n, width], new double[n, width]);
        double scale = 1 / Math.Sqrt(width);
        for (int i = 0; i < valid; i++)
        {
            var (start, end) = Keys(i, window, valid, causal);
            var p = new double[end - start];
            var dp = new double[end - start];
            double most = double.NegativeInfinity, total = 0, delta = 0;
            for (int j = start; j < end; j++)
            {
                for (int c = 0; c < width; c++)
                    p[j - start] += q[i, c] * k[j, c] * scale;
                most = Math.Max(most, p[j - start]);
            }
            for (int j = 0; j < p.Length; j++)
                total += p[j] = Math.Exp(p[j] - most);
            for (int j = start; j < end; j++)
            {
                p[j - start] /= total;
                for (int c = 0; c < width; c++)
                {
                    output[i, c] += p[j - start] * v[j, c];
                    dv[j, c] += p[j - start] * outputGradient[i, c];
                    dp[j - start] += outputGradient[i, c] * v[j, c];
                }
                delta += p[j - start] * dp[j - start];
            }
            for (int j = start; j < end; j++)
            {
                double ds = p[j - start] * (dp[j - start] - delta) * scale;
                for (int c = 0; c < width; c++)
                {
                    dq[i, c] += ds * k[j, c];
                    dk[j, c] += ds * q[i, c];
                }
            }
        }
        return (output, dq, dk, dv);
    }
}
