using System.Numerics;

namespace Maha.Layers.Kernels;

// B batch, N tokens, H heads, K head width, w window

/// <summary>Windowed attention one query at a time, float32 or float64: the form that float64 models run, and the twin of the blocked float32 kernels.</summary>
/// <remarks>Same contract as <see cref="WindowAttentionKernel"/> and <see cref="WindowAttentionGradientKernel"/>, about ten times slower.</remarks>
internal static unsafe class RowWindowAttentionKernel
{
    /// <summary>Computes the attention of every document, head and block. Rows past a document's valid length become 0.</summary>
    public static void Forward<T>(
        WindowPlan plan, int[] validLengths, TokenRows<T> queries, TokenRows<T> keys, TokenRows<T> values, TokenRows<T> output, T* logSumExp, int threads)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int blocks = plan.Blocks, headDim = plan.HeadDim;
        T scale = T.One / T.Sqrt(T.CreateTruncating(headDim));
        KernelThreads.For(plan.Batch * plan.Heads * blocks, threads, piece =>
        {
            int block = piece % blocks, head = piece / blocks % plan.Heads, document = piece / blocks / plan.Heads;
            long first = (long)document * plan.Length;
            nint channel = (nint)head * headDim;
            T* logs = logSumExp + (((long)document * plan.Heads) + head) * plan.Length;
            T* scores = KernelScratch.Get<T>(plan.MaxKeys);
            int end = Math.Min((block + 1) * plan.BlockLength, plan.Length);
            for (int i = block * plan.BlockLength; i < end; i++)
            {
                T* to = output.Row(first + i) + channel;
                RowMath.Clear(to, headDim);
                logs[i] = T.Zero;
                if (i >= validLengths[document])
                {
                    continue;
                }

                (int keyStart, int keyEnd) = plan.Keys(block, i + 1, validLengths[document]);
                T largest = T.NegativeInfinity;
                for (int j = keyStart; j < keyEnd; j++)
                {
                    T score = scale * RowMath.Dot(queries.Row(first + i) + channel, keys.Row(first + j) + channel, headDim);
                    scores[j - keyStart] = score;
                    largest = T.Max(largest, score);
                }

                T total = T.Zero;
                for (int j = keyStart; j < keyEnd; j++)
                {
                    T weight = T.Exp(scores[j - keyStart] - largest);
                    total += weight;
                    RowMath.AddScaled(weight, values.Row(first + j) + channel, to, headDim);
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
        T scale = T.One / T.Sqrt(T.CreateTruncating(headDim));

        // Three rounds for the same reason as in the blocked kernel: neighbouring blocks add to the same keys.
        for (int round = 0; round < Math.Min(3, plan.Blocks); round++)
        {
            int offset = round, blocks = (plan.Blocks - round + 2) / 3;
            KernelThreads.For(plan.Batch * plan.Heads * blocks, threads, piece =>
            {
                int block = (piece % blocks * 3) + offset, head = piece / blocks % plan.Heads, document = piece / blocks / plan.Heads;
                long first = (long)document * plan.Length;
                nint channel = (nint)head * headDim;
                T* logs = logSumExp + (((long)document * plan.Heads) + head) * plan.Length;
                T* weights = KernelScratch.Get<T>(2L * plan.MaxKeys);
                T* products = weights + plan.MaxKeys;
                int end = Math.Min((block + 1) * plan.BlockLength, plan.Length);
                for (int i = block * plan.BlockLength; i < end; i++)
                {
                    T* query = queries.Row(first + i) + channel;
                    T* gradient = outputGradient.Row(first + i) + channel;
                    T* to = queryGradient.Row(first + i) + channel;
                    RowMath.Clear(to, headDim);
                    if (i >= validLengths[document])
                    {
                        continue;
                    }

                    (int keyStart, int keyEnd) = plan.Keys(block, i + 1, validLengths[document]);
                    T delta = T.Zero;
                    for (int j = keyStart; j < keyEnd; j++)
                    {
                        T weight = T.Exp((scale * RowMath.Dot(query, keys.Row(first + j) + channel, headDim)) - logs[i]);
                        T product = RowMath.Dot(gradient, values.Row(first + j) + channel, headDim);
                        weights[j - keyStart] = weight;
                        products[j - keyStart] = product;
                        delta += weight * product;
                    }

                    for (int j = keyStart; j < keyEnd; j++)
                    {
                        T weight = weights[j - keyStart];
                        T scoreGradient = weight * (products[j - keyStart] - delta) * scale;
                        RowMath.AddScaled(weight, gradient, valueGradient.Row(first + j) + channel, headDim);
                        RowMath.AddScaled(scoreGradient, query, keyGradient.Row(first + j) + channel, headDim);
                        RowMath.AddScaled(scoreGradient, keys.Row(first + j) + channel, to, headDim);
                    }
                }
            });
        }
    }
}
