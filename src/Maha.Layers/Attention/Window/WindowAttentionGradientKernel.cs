using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Maha.Layers.Kernels;

namespace Maha.Layers.Attention;

// B batch, N tokens, H heads, K head width, w window, Kp K rounded up to 16

/// <summary>Backward pass of <see cref="WindowAttentionKernel"/>: gradients of queries, keys and values from the gradient of the output.</summary>
/// <remarks>
/// Probabilities are recomputed from the saved log-sum-exp, so nothing of size N * w is kept between the passes. With P the probabilities and
/// dP = dO V^T: dV = P^T dO, dS = P * (dP - rowsum(P * dP)), dQ = dS K / sqrt(K), dK = dS^T Q / sqrt(K).
/// A block adds to the gradients of other blocks' keys: <see cref="WindowBlocks"/> keeps blocks that share a key apart.
/// </remarks>
internal static unsafe class WindowAttentionGradientKernel
{
    // Queries of a chunk: a multiple of every tile, small enough that the scores of one chunk stay in the second-level cache.
    private const int ChunkRows = 128;

    // One cache line more than a chunk: a power-of-two row distance would map all rows to a few cache sets.
    private const int ScoreRow = ChunkRows + 16;

    // Keys per pass of the query gradient, so that the keys read stay in the first-level cache across a chunk's rows.
    private const int KeysPerPass = 64;

    /// <summary>Computes the three gradients. Rows past a document's valid length become 0.</summary>
    /// <remarks><paramref name="keyGradient"/> and <paramref name="valueGradient"/> must be zero on entry.</remarks>
    public static void Backward(
        WindowPlan plan, int[] validLengths, TokenRows<float> queries, TokenRows<float> keys, TokenRows<float> values,
        float* logSumExp, TokenRows<float> outputGradient,
        TokenRows<float> queryGradient, TokenRows<float> keyGradient, TokenRows<float> valueGradient, int threads)
    {
        WindowBlocks.ForEach(plan, threads, (document, head, block) => Block(
            plan, document, head, block, validLengths[document], queries, keys, values, logSumExp, outputGradient, queryGradient, keyGradient, valueGradient));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Block(
        WindowPlan plan, int document, int head, int block, int validLength,
        TokenRows<float> queries, TokenRows<float> keys, TokenRows<float> values, float* logSumExp, TokenRows<float> outputGradient,
        TokenRows<float> queryGradient, TokenRows<float> keyGradient, TokenRows<float> valueGradient)
    {
        int headDim = plan.HeadDim, padded = MicroTile.PaddedColumns(headDim);
        long first = (long)document * plan.Length;
        nint channel = (nint)head * headDim;
        float* logs = logSumExp + (((long)document * plan.Heads) + head) * plan.Length;
        int blockStart = block * plan.BlockLength;
        int blockEnd = Math.Min(blockStart + plan.BlockLength, plan.Length);
        int validEnd = Math.Min(blockEnd, validLength);
        for (int row = Math.Max(blockStart, validLength); row < blockEnd; row++)
            new Span<float>(queryGradient.Row(first + row) + channel, headDim).Clear();
        if (validEnd <= blockStart)
            return;

        var range = plan.Keys(block, validEnd, validLength);
        int keyCount = range.Count, keyRows = MicroTile.PaddedRows(keyCount);
        long keyPanel = (long)keyRows * padded, queryPanel = (long)ChunkRows * padded, scorePanel = (long)keyRows * ScoreRow;
        float* keyPack = KernelScratch.Get<float>((4 * keyPanel) + (5 * queryPanel) + (2 * scorePanel));
        float* valuePack = keyPack + keyPanel;
        float* keySums = valuePack + keyPanel;
        float* valueSums = keySums + keyPanel;
        float* queryPack = valueSums + keyPanel;
        float* queryTransposed = queryPack + queryPanel;
        float* gradientPack = queryTransposed + queryPanel;
        float* gradientTransposed = gradientPack + queryPanel;
        float* querySums = gradientTransposed + queryPanel;
        float* scores = querySums + queryPanel;
        float* products = scores + scorePanel;
        WindowAttentionKernel.PackKeys(keys, first, channel, range, 0, keyRows, headDim, padded, keyPack);
        WindowAttentionKernel.PackKeys(values, first, channel, range, 0, keyRows, headDim, padded, valuePack);

        float scale = 1 / MathF.Sqrt(headDim);
        for (int row = blockStart; row < validEnd; row += ChunkRows)
        {
            int rows = Math.Min(ChunkRows, validEnd - row), columns = MicroTile.PaddedColumns(rows);
            int seen = plan.Causal ? range.CountUpTo(row + rows - 1) : keyCount;
            int seenRows = MicroTile.PaddedRows(seen);
            WindowAttentionKernel.Pack(queries, first + row, channel, rows, columns, headDim, padded, queryPack);
            WindowAttentionKernel.Pack(outputGradient, first + row, channel, rows, columns, headDim, padded, gradientPack);
            RowTransposition.Copy(queries.Row(first + row) + channel, queries.Stride, rows, headDim, scale, queryTransposed, ChunkRows, columns);
            RowTransposition.Copy(outputGradient.Row(first + row) + channel, outputGradient.Stride, rows, headDim, 1, gradientTransposed, ChunkRows, columns);
            for (int j = 0; j < seenRows; j += MicroTile.Rows)
            {
                float* keyScores = scores + ((long)j * ScoreRow);
                float* keyProducts = products + ((long)j * ScoreRow);
                MicroTile.Row(keyPack + ((long)j * padded), padded, 1, queryTransposed, ChunkRows, headDim, keyScores, ScoreRow, columns, false);
                MicroTile.Row(valuePack + ((long)j * padded), padded, 1, gradientTransposed, ChunkRows, headDim, keyProducts, ScoreRow, columns, false);
            }

            WindowAttentionKernel.HideKeys(plan, range, scores, ScoreRow, columns, seen, row);
            SoftmaxGradients(scores, products, seen, seenRows, logs + row, rows);
            for (int j = 0; j < seenRows; j += MicroTile.Rows)
            {
                MicroTile.Row(scores + ((long)j * ScoreRow), ScoreRow, 1, gradientPack, padded, rows, valueSums + ((long)j * padded), padded, padded, false);
                MicroTile.Row(products + ((long)j * ScoreRow), ScoreRow, 1, queryPack, padded, rows, keySums + ((long)j * padded), padded, padded, false);
            }

            for (int pass = 0; pass < seen; pass += KeysPerPass)
            {
                int depth = Math.Min(KeysPerPass, seen - pass);
                for (int i = 0; i < rows; i += MicroTile.Rows)
                {
                    MicroTile.Row(
                        products + ((long)pass * ScoreRow) + i, 1, ScoreRow, keyPack + ((long)pass * padded), padded, depth,
                        querySums + ((long)i * padded), padded, padded, pass > 0);
                }
            }

            for (int j = 0; j < seen; j++)
            {
                RowMath.AddScaled(1, valueSums + ((long)j * padded), valueGradient.Row(first + range.Token(j)) + channel, headDim);
                RowMath.AddScaled(scale, keySums + ((long)j * padded), keyGradient.Row(first + range.Token(j)) + channel, headDim);
            }

            for (int i = 0; i < rows; i++)
                RowMath.Scale(scale, querySums + ((long)i * padded), queryGradient.Row(first + row + i) + channel, headDim);
        }
    }

    // Turns scores into probabilities and products (dP) into score gradients, column by column; rows past the last key become 0.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void SoftmaxGradients(float* scores, float* products, int keyCount, int keyRows, float* logs, int rows)
    {
        // A padded query has log-sum-exp +infinity, hence probability 0 for every key.
        float* padded = stackalloc float[ChunkRows];
        new Span<float>(padded, ChunkRows).Fill(float.PositiveInfinity);
        new ReadOnlySpan<float>(logs, rows).CopyTo(new Span<float>(padded, rows));
        for (int column = 0; column < rows; column += 16)
        {
            var log = Vector512.Load(padded + column);
            var delta = Vector512<float>.Zero;
            float* s = scores + column;
            float* p = products + column;
            for (int j = 0; j < keyCount; j++, s += ScoreRow, p += ScoreRow)
            {
                var probability = VectorMath.ExpNonPositive(Vector512.Load(s) - log);
                probability.Store(s);
                delta = Vector512.MultiplyAddEstimate(probability, Vector512.Load(p), delta);
            }

            s = scores + column;
            p = products + column;
            for (int j = 0; j < keyCount; j++, s += ScoreRow, p += ScoreRow)
                (Vector512.Load(s) * (Vector512.Load(p) - delta)).Store(p);

            for (int j = keyCount; j < keyRows; j++, s += ScoreRow, p += ScoreRow)
            {
                Vector512<float>.Zero.Store(s);
                Vector512<float>.Zero.Store(p);
            }
        }
    }
}
