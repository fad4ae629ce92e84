using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Maha.Layers.Kernels;

namespace Maha.Layers.Attention;

// B batch, N tokens, H heads, K head width, w window, Kp K rounded up to 16

/// <summary>Windowed softmax attention on the CPU in float32: softmax(q k^T / sqrt(K)) v inside the windows of a <see cref="WindowPlan"/>.</summary>
/// <remarks>
/// Work is O(N w D), memory in addition to the operands O(w^2) per thread. Scores are kept transposed, [keys, queries]: the softmax then runs down
/// the rows with whole vectors and needs no reduction across lanes, and the second product reads its left operand in order.
/// The log-sum-exp of each row is returned for <see cref="WindowAttentionGradientKernel"/>. Reference: SlowWindowAttention in the tests.
/// </remarks>
internal static unsafe class WindowAttentionKernel
{
    // Queries per score panel: its [3w, 32] scores stay in the first-level cache at w = 128.
    private const int PanelColumns = 32;

    // Keys per pass of the second product, so that the values read stay in the first-level cache across the panel's rows.
    private const int KeysPerPass = 64;

    // Blocks that share one copy of their keys and values, most of which neighbors have in common. At w = 128 the copy stays in the second-level cache.
    private const int BlocksPerPiece = 6;

    /// <summary>Computes the attention of every document, head and block. Rows past a document's valid length become 0.</summary>
    public static void Forward(
        WindowPlan plan, int[] validLengths, TokenRows<float> queries, TokenRows<float> keys, TokenRows<float> values,
        TokenRows<float> output, float* logSumExp, int threads)
    {
        // Global keys come before each block's own keys and must not count twice: such blocks share nothing.
        int together = plan.GlobalKeys > 0 ? 1 : BlocksPerPiece, groups = (plan.Blocks + together - 1) / together;
        KernelThreads.For(plan.Batch * plan.Heads * groups, threads, piece =>
        {
            int group = piece % groups, head = piece / groups % plan.Heads, document = piece / groups / plan.Heads;
            int first = group * together, end = Math.Min(first + together, plan.Blocks), validLength = validLengths[document];
            if (first * plan.BlockLength < validLength)
            {
                int last = Math.Min(end - 1, (validLength - 1) / plan.BlockLength);
                Blocks(plan, document, head, first, last, validLength, queries, keys, values, output, logSumExp);
            }

            // Rows past the document's end.
            float* logs = logSumExp + (((long)document * plan.Heads) + head) * plan.Length;
            for (int row = Math.Max(first * plan.BlockLength, validLength); row < Math.Min(end * plan.BlockLength, plan.Length); row++)
            {
                new Span<float>(output.Row(((long)document * plan.Length) + row) + ((nint)head * plan.HeadDim), plan.HeadDim).Clear();
                logs[row] = 0;
            }
        });
    }

    // Computes the blocks from the first to the last, which all have valid tokens.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Blocks(
        WindowPlan plan, int document, int head, int firstBlock, int lastBlock, int validLength,
        TokenRows<float> queries, TokenRows<float> keys, TokenRows<float> values, TokenRows<float> output, float* logSumExp)
    {
        int headDim = plan.HeadDim, padded = MicroTile.PaddedColumns(headDim);
        long first = (long)document * plan.Length;
        nint channel = (nint)head * headDim;
        var start = plan.Keys(firstBlock, Math.Min((firstBlock + 1) * plan.BlockLength, validLength), validLength);
        var end = plan.Keys(lastBlock, Math.Min((lastBlock + 1) * plan.BlockLength, validLength), validLength);
        var shared = new KeyRange(start.Global, start.Start, end.End);
        int packedRows = MicroTile.PaddedRows(shared.Count) + MicroTile.Rows, scoreRows = MicroTile.PaddedRows(plan.MaxKeys);
        float* keyPack = KernelScratch.Get<float>((2L * packedRows * padded) + ((long)scoreRows * PanelColumns) + ((long)padded * 2 * PanelColumns));
        float* valuePack = keyPack + ((long)packedRows * padded);
        float* scores = valuePack + ((long)packedRows * padded);
        float* queryPack = scores + ((long)scoreRows * PanelColumns);
        float* sums = queryPack + ((long)padded * PanelColumns);
        PackKeys(keys, first, channel, shared, 0, packedRows, headDim, padded, keyPack);
        PackKeys(values, first, channel, shared, 0, packedRows, headDim, padded, valuePack);
        for (int block = firstBlock; block <= lastBlock; block++)
        {
            var range = plan.Keys(block, Math.Min((block + 1) * plan.BlockLength, validLength), validLength);
            long before = (long)(range.Start - shared.Start) * padded;
            Block(plan, document, head, block, validLength, range, queries, keyPack + before, valuePack + before, scores, queryPack, sums, output, logSumExp);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block(
        WindowPlan plan, int document, int head, int block, int validLength, KeyRange range, TokenRows<float> queries, float* keyPack, float* valuePack,
        float* scores, float* queryPack, float* sums, TokenRows<float> output, float* logSumExp)
    {
        int headDim = plan.HeadDim, padded = MicroTile.PaddedColumns(headDim), keyCount = range.Count;
        long first = (long)document * plan.Length;
        nint channel = (nint)head * headDim;
        float* logs = logSumExp + (((long)document * plan.Heads) + head) * plan.Length;
        int blockStart = block * plan.BlockLength, validEnd = Math.Min(Math.Min(blockStart + plan.BlockLength, plan.Length), validLength);
        float* largest = stackalloc float[PanelColumns];
        float* total = stackalloc float[PanelColumns];
        for (int row = blockStart; row < validEnd; row += PanelColumns)
        {
            int rows = Math.Min(PanelColumns, validEnd - row);
            int seen = plan.Causal ? range.CountUpTo(row + rows - 1) : keyCount;
            int seenRows = MicroTile.PaddedRows(seen);
            float scale = 1 / MathF.Sqrt(headDim);
            RowTransposition.Copy(queries.Row(first + row) + channel, queries.Stride, rows, headDim, scale, queryPack, PanelColumns, PanelColumns);
            for (int j = 0; j < seenRows; j += MicroTile.Rows)
            {
                float* keyScores = scores + ((long)j * PanelColumns);
                MicroTile.Row(keyPack + ((long)j * padded), padded, 1, queryPack, PanelColumns, headDim, keyScores, PanelColumns, PanelColumns, false);
            }

            HideKeys(plan, range, scores, PanelColumns, PanelColumns, seen, row);
            Exponentials(scores, seen, largest, total);
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

    /// <summary>Copies one head's channels of consecutive tokens into rows of <paramref name="padded"/> elements, and fills the rest with zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Pack(TokenRows<float> source, long firstToken, nint channel, int count, int rows, int headDim, int padded, float* target)
    {
        for (int j = 0; j < count; j++, target += padded)
        {
            float* from = source.Row(firstToken + j) + channel;
            Unsafe.CopyBlockUnaligned(target, from, (uint)headDim * sizeof(float));
            if (padded > headDim)
                new Span<float>(target + headDim, padded - headDim).Clear();
        }
        new Span<float>(target, (rows - count) * padded).Clear();
    }

    /// <summary>Copies the keys from index <paramref name="from"/> on into <paramref name="rows"/> rows, and fills the rest with zeros.</summary>
    internal static void PackKeys(
        TokenRows<float> source, long firstToken, nint channel, KeyRange range, int from, int rows, int headDim, int padded, float* target)
    {
        int global = Math.Max(0, range.Global - from);
        Pack(source, firstToken + from, channel, global, global, headDim, padded, target);
        int start = Math.Max(from, range.Global);
        Pack(source, firstToken + range.Token(start), channel, range.Count - start, rows - start, headDim, padded, target + ((long)global * padded));
    }

    /// <summary>Sets the scores [keys, queries] of masked keys to minus infinity: later keys in a causal plan, distant keys in a banded one.</summary>
    internal static void HideKeys(WindowPlan plan, KeyRange range, float* scores, nint row, int columns, int keyCount, int firstQuery)
    {
        if (!plan.Causal && !plan.Band)
            return;
        for (int j = range.Global; j < keyCount; j++)
        {
            // The queries [firstSeeing, endSeeing) of the panel see this key.
            int distance = range.Token(j) - firstQuery;

            // A global key inside the window's blocks stays visible beyond the band.
            bool band = plan.Band && range.Token(j) >= plan.GlobalKeys;
            int firstSeeing = plan.Causal ? Math.Clamp(distance, 0, columns) : band ? Math.Clamp(distance - plan.Window, 0, columns) : 0;
            int endSeeing = band ? Math.Clamp(distance + plan.Window + 1, 0, columns) : columns;
            new Span<float>(scores + (j * row), firstSeeing).Fill(float.NegativeInfinity);
            new Span<float>(scores + (j * row) + endSeeing, columns - endSeeing).Fill(float.NegativeInfinity);
        }
    }

    // Replaces scores by exponentials, column by column. The column's maximum is subtracted first, so that nothing overflows; a query always sees itself, so
    // the maximum is finite for finite input.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Exponentials(float* scores, int keyCount, float* largest, float* total)
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
            var e0 = VectorMath.ExpNonPositive(Vector512.Load(s) - m0);
            var e1 = VectorMath.ExpNonPositive(Vector512.Load(s + 16) - m1);
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
