using System.Numerics;
using Maha.Layers.Kernels;

namespace Maha.Layers.Attention;

// B batch, N tokens, H heads, K head width, w window

/// <summary>Windowed attention one query at a time, in float32 or float64. Models in float64 run it.</summary>
/// <remarks>
/// The contract is that of <see cref="WindowAttentionKernel"/> and <see cref="WindowAttentionGradientKernel"/>. It is about ten times slower.
/// </remarks>
internal static unsafe class RowWindowAttentionKernel
{
    /// <summary>Computes the attention of every document, head and block. Rows past a document's valid length become 0.</summary>
    public static void Forward<T>(
        WindowPlan plan, int[] validLengths, TokenRows<T> queries, TokenRows<T> keys, TokenRows<T> values, TokenRows<T> output, T* logSumExp, int threads)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int blocks = plan.Blocks, headDim = plan.HeadDim;
        var scale = T.One / T.Sqrt(T.CreateTruncating(headDim));
        KernelThreads.For(plan.Batch * plan.Heads * blocks, threads, piece =>
        {
            int block = piece % blocks, head = piece / blocks % plan.Heads, document = piece / blocks / plan.Heads;
            long first = (long)document * plan.Length;
            nint channel = (nint)head * headDim;
            var logs = logSumExp + (((long)document * plan.Heads) + head) * plan.Length;
            var scores = KernelScratch.Get<T>(plan.MaxKeys);
            int end = Math.Min((block + 1) * plan.BlockLength, plan.Length);
            for (int i = block * plan.BlockLength; i < end; i++)
            {
                var to = output.Row(first + i) + channel;
                RowMath.Clear(to, headDim);
                logs[i] = T.Zero;
                if (i >= validLengths[document])
                    continue;
                var range = plan.Keys(block, i + 1, validLengths[document]);
                var largest = T.NegativeInfinity;
                for (int j = 0; j < range.Count; j++)
                {
                    int token = range.Token(j);
                    scores[j] = Hidden(plan, range, j, i)
                        ? T.NegativeInfinity
                        : scale * RowMath.Dot(queries.Row(first + i) + channel, keys.Row(first + token) + channel, headDim);
                    largest = T.Max(largest, scores[j]);
                }

                var total = T.Zero;
                for (int j = 0; j < range.Count; j++)
                {
                    var weight = T.Exp(scores[j] - largest);
                    total += weight;
                    RowMath.AddScaled(weight, values.Row(first + range.Token(j)) + channel, to, headDim);
                }

                RowMath.Scale(T.One / total, to, to, headDim);
                logs[i] = largest + T.Log(total);
            }
        });
    }

    /// <summary>Computes the three gradients. keyGradient and valueGradient must be zero on entry.</summary>
    public static void Backward<T>(
        WindowPlan plan, int[] validLengths, TokenRows<T> queries, TokenRows<T> keys, TokenRows<T> values, T* logSumExp, TokenRows<T> outputGradient,
        TokenRows<T> queryGradient, TokenRows<T> keyGradient, TokenRows<T> valueGradient, int threads)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int headDim = plan.HeadDim;
        var scale = T.One / T.Sqrt(T.CreateTruncating(headDim));
        WindowBlocks.ForEach(plan, threads, (document, head, block) =>
        {
            long first = (long)document * plan.Length;
            nint channel = (nint)head * headDim;
            var logs = logSumExp + (((long)document * plan.Heads) + head) * plan.Length;
            var weights = KernelScratch.Get<T>(2L * plan.MaxKeys);
            var products = weights + plan.MaxKeys;
            int end = Math.Min((block + 1) * plan.BlockLength, plan.Length);
            for (int i = block * plan.BlockLength; i < end; i++)
            {
                var query = queries.Row(first + i) + channel;
                var gradient = outputGradient.Row(first + i) + channel;
                var to = queryGradient.Row(first + i) + channel;
                RowMath.Clear(to, headDim);
                if (i >= validLengths[document])
                    continue;
                var range = plan.Keys(block, i + 1, validLengths[document]);
                var delta = T.Zero;
                for (int j = 0; j < range.Count; j++)
                {
                    int token = range.Token(j);
                    weights[j] = Hidden(plan, range, j, i)
                        ? T.Zero
                        : T.Exp((scale * RowMath.Dot(query, keys.Row(first + token) + channel, headDim)) - logs[i]);
                    products[j] = RowMath.Dot(gradient, values.Row(first + token) + channel, headDim);
                    delta += weights[j] * products[j];
                }

                for (int j = 0; j < range.Count; j++)
                {
                    long token = first + range.Token(j);
                    var scoreGradient = weights[j] * (products[j] - delta) * scale;
                    RowMath.AddScaled(weights[j], gradient, valueGradient.Row(token) + channel, headDim);
                    RowMath.AddScaled(scoreGradient, query, keyGradient.Row(token) + channel, headDim);
                    RowMath.AddScaled(scoreGradient, keys.Row(token) + channel, to, headDim);
                }
            }
        });
    }

    // The range has no later key in a causal plan. Every query sees the global keys.
    private static bool Hidden(WindowPlan plan, KeyRange range, int key, int query) =>
        plan.Band && range.Token(key) >= plan.GlobalKeys && Math.Abs(range.Token(key) - query) > plan.Window;
}
