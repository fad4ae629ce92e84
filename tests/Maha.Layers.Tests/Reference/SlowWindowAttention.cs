namespace Maha.Layers.Tests.Reference;

/// <summary>Window attention in double precision by loops over pairs of tokens, with gradients by the chain rule.</summary>
internal static class SlowWindowAttention
{
    public static int[] Keys(int query, int window, int valid, bool causal, bool band = false, int global = 0)
    {
        int block = query / window;
        return [.. Enumerable.Range(0, valid).Where(key =>
            key < global
                || (key / window >= block - 1 && key / window <= block + 1 && (!causal || key <= query) && (!band || Math.Abs(key - query) <= window)))];
    }

    /// <summary>One document and head: q, k, v are [n, K] rows; result [n, K] and the gradients for an output gradient.</summary>
    public static (double[,] Output, double[,] Dq, double[,] Dk, double[,] Dv) Run(
        double[,] q, double[,] k, double[,] v, double[,] outputGradient, int valid, int window, bool causal, bool band = false, int global = 0)
    {
        int n = q.GetLength(0), width = q.GetLength(1);
        var (output, dq, dk, dv) = (new double[n, width], new double[n, width], new double[n, width], new double[n, width]);
        double scale = 1 / Math.Sqrt(width);
        for (int i = 0; i < valid; i++)
        {
            int[] keys = Keys(i, window, valid, causal, band, global);
            double[] p = new double[keys.Length];
            double[] dp = new double[keys.Length];
            double most = double.NegativeInfinity, total = 0, delta = 0;
            for (int at = 0; at < keys.Length; at++)
            {
                for (int c = 0; c < width; c++)
                    p[at] += q[i, c] * k[keys[at], c] * scale;
                most = Math.Max(most, p[at]);
            }
            for (int j = 0; j < p.Length; j++)
                total += p[j] = Math.Exp(p[j] - most);
            for (int at = 0; at < keys.Length; at++)
            {
                p[at] /= total;
                for (int c = 0; c < width; c++)
                {
                    output[i, c] += p[at] * v[keys[at], c];
                    dv[keys[at], c] += p[at] * outputGradient[i, c];
                    dp[at] += outputGradient[i, c] * v[keys[at], c];
                }
                delta += p[at] * dp[at];
            }
            for (int at = 0; at < keys.Length; at++)
            {
                double ds = p[at] * (dp[at] - delta) * scale;
                for (int c = 0; c < width; c++)
                {
                    dq[i, c] += ds * k[keys[at], c];
                    dk[keys[at], c] += ds * q[i, c];
                }
            }
        }
        return (output, dq, dk, dv);
    }
}
