using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Maha.Layers.Kernels;

// B batch, N tokens, H heads, K head width, w window, Kp K rounded up to 16

/// <summary>Windowed softmax attention on the processor in float32: out = softmax(q k^T / sqrt(K)) v inside the windows of a <see cref="WindowPlan"/>.</summary>
/// <remarks>
/// Work is O(N w D), memory beside the operands O(w^2) per thread. Scores are kept transposed, [keys, queries]: the softmax then runs down
/// the rows with whole vectors and needs no reduction across lanes, and the second product reads its left operand in order.
/// The log-sum-exp of each row is returned for <see cref="WindowAttentionGradientKernel"/>. Slow twin: SlowWindowAttention in the tests.
/// </remarks>
internal static unsafe class WindowAttentionKernel
{
    // Queries per score panel: its [3w, 32] scores stay in the first-level cache at w = 128.
    private const int PanelColumns = 32;

    // Keys per pass of the second product, so that the values read stay in the first-level cache across the panel's rows.
    private const int KeysPerPass = 128;

    /// <summary>Computes the attention of every document, head and block. Rows past a document's valid length become 0.</summary>
    public static void Forward(
        WindowPlan plan, int[] validLengths, TokenRows<float> queries, TokenRows<float> keys, TokenRows<float> values,
        TokenRows<float> output, float* logSumExp, int threads)
    {
        int blocks = plan.Blocks;
        KernelThreads.For(plan.Batch * plan.Heads * blocks, threads, piece =>
        {
            int block = piece % blocks, head = piece / blocks % plan.Heads, document = piece / blocks / plan.Heads;
            Block(plan, document, head, block, validLengths[document], queries, keys, values, output, logSumExp);
        });
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block(
        WindowPlan plan, int document, int head, int block, int validLength,
        TokenRows<float> queries, TokenRows<float> keys, TokenRows<float> values, TokenRows<float> output, float* logSumExp)
    {
        int headDim = plan.HeadDim, padded = Padded(headDim, MicroTile.NarrowColumns);
        long first = (long)document * plan.Length;
        nint channel = (nint)head * headDim;
        float* logs = logSumExp + (((long)document * plan.Heads) + head) * plan.Length;
        int blockStart = block * plan.BlockLength;
        int blockEnd = Math.Min(blockStart + plan.BlockLength, plan.Length);
        int validEnd = Math.Min(blockEnd, validLength);
        for (int row = Math.Max(blockStart, validLength); row < blockEnd; row++)
        {
            new Span<float>(output.Row(first + row) + channel, headDim).Clear();
            logs[row] = 0;
        }

        if (validEnd <= blockStart)
        {
            return;
        }

        (int keyStart, int keyEnd) = plan.Keys(block, validEnd, validLength);
        int keyCount = keyEnd - keyStart, keyRows = Padded(keyCount, MicroTile.Rows);
        float* keyPack = KernelScratch.Get<float>(((long)keyRows * ((2 * padded) + PanelColumns)) + ((long)padded * 2 * PanelColumns));
        float* valuePack = keyPack + ((long)keyRows * padded);
        float* scores = valuePack + ((long)keyRows * padded);
        float* queryPack = scores + ((long)keyRows * PanelColumns);
        float* sums = queryPack + ((long)padded * PanelColumns);
        Pack(keys, first + keyStart, channel, keyCount, keyRows, headDim, padded, keyPack);
        Pack(values, first + keyStart, channel, keyCount, keyRows, headDim, padded, valuePack);

        float* largest = stackalloc float[PanelColumns];
        float* total = stackalloc float[PanelColumns];
        for (int row = blockStart; row < validEnd; row += PanelColumns)
        {
            int rows = Math.Min(PanelColumns, validEnd - row);
            int seen = plan.Causal ? row + rows - keyStart : keyCount;
            int seenRows = Padded(seen, MicroTile.Rows);
            PackTransposed(queries, first + row, channel, rows, headDim, 1 / MathF.Sqrt(headDim), queryPack, PanelColumns, PanelColumns);
            for (int j = 0; j < seenRows; j += MicroTile.Rows)
            {
                MicroTile.Row(keyPack + ((long)j * padded), padded, 1, queryPack, PanelColumns, headDim, scores + ((long)j * PanelColumns), PanelColumns, PanelColumns, false);
            }

            if (plan.Causal)
            {
                HideFuture(scores, PanelColumns, PanelColumns, seen, row - keyStart);
            }

            SoftmaxDown(scores, seen, largest, total);
            new Span<float>(scores + ((long)seen * PanelColumns), (seenRows - seen) * PanelColumns).Clear();
            for (int pass = 0; pass < seen; pass += KeysPerPass)
            {
                int depth = Math.Min(KeysPerPass, seen - pass);
                for (int i = 0; i < rows; i += MicroTile.Rows)
                {
                    MicroTile.Row(
                        scores + ((long)pass * PanelColumns) + i, 1, PanelColumns, valuePack + ((long)pass * padded), padded, depth,
                        sums + ((long)i * padded), padded, padded, pass > 0);
                }
            }

            for (int i = 0; i < rows; i++)
            {
                float inverse = 1 / total[i];
                float* to = output.Row(first + row + i) + channel;
                RowMath.Scale(inverse, sums + ((long)i * padded), to, headDim);
                logs[row + i] = largest[i] + MathF.Log(total[i]);
            }
        }
    }

    /// <summary>Rounds up to a multiple.</summary>
    internal static int Padded(int count, int multiple) => (count + multiple - 1) / multiple * multiple;

    /// <summary>Copies one head's channels of consecutive tokens into rows of <paramref name="padded"/> elements, zeros behind.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Pack(TokenRows<float> source, long firstToken, nint channel, int count, int rows, int headDim, int padded, float* target)
    {
        for (int j = 0; j < count; j++, target += padded)
        {
            float* from = source.Row(firstToken + j) + channel;
            Unsafe.CopyBlockUnaligned(target, from, (uint)headDim * sizeof(float));
            if (padded > headDim)
            {
                new Span<float>(target + headDim, padded - headDim).Clear();
            }
        }

        new Span<float>(target, (rows - count) * padded).Clear();
    }

    /// <summary>Copies one head's channels of at most <paramref name="columns"/> tokens, scaled and transposed to [K, columns], zeros behind.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void PackTransposed(
        TokenRows<float> source, long firstToken, nint channel, int count, int headDim, float scale, float* target, nint targetRow, int columns)
    {
        for (int i = 0; i < count; i++)
        {
            float* from = source.Row(firstToken + i) + channel;
            float* to = target + i;
            for (int k = 0; k < headDim; k++, to += targetRow)
            {
                *to = from[k] * scale;
            }
        }

        if (count < columns)
        {
            for (int k = 0; k < headDim; k++)
            {
                new Span<float>(target + (k * targetRow) + count, columns - count).Clear();
            }
        }
    }

    /// <summary>Sets the score of every key that lies after its query to minus infinity; queryOffset is the first query's position among the keys.</summary>
    internal static void HideFuture(float* scores, nint row, int columns, int keyCount, int queryOffset)
    {
        for (int j = Math.Max(0, queryOffset + 1); j < keyCount; j++)
        {
            int hidden = Math.Min(columns, j - queryOffset);
            new Span<float>(scores + (j * row), hidden).Fill(float.NegativeInfinity);
        }
    }

    // Overflow guard: the column's maximum is subtracted first. A query always sees itself, so the maximum is finite for finite input.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SoftmaxDown(float* scores, int keyCount, float* largest, float* total)
    {
        Vector512<float> m0 = Vector512.Create(float.NegativeInfinity), m1 = m0;
        float* s = scores;
        for (int j = 0; j < keyCount; j++, s += PanelColumns)
        {
            m0 = Vector512.MaxNative(m0, Vector512.Load(s));
            m1 = Vector512.MaxNative(m1, Vector512.Load(s + 16));
        }

        Vector512<float> t0 = Vector512<float>.Zero, t1 = t0;
        s = scores;
        for (int j = 0; j < keyCount; j++, s += PanelColumns)
        {
            Vector512<float> e0 = VectorMath.ExpNonPositive(Vector512.Load(s) - m0);
            Vector512<float> e1 = VectorMath.ExpNonPositive(Vector512.Load(s + 16) - m1);
            e0.Store(s);
            e1.Store(s + 16);
            t0 += e0;
            t1 += e1;
        }

        m0.Store(largest);
        m1.Store(largest + 16);
        t0.Store(total);
        t1.Store(total + 16);
    }
}
