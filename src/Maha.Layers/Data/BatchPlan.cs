using Maha.Layers.Core;

namespace Maha.Layers.Data;

/// <summary>
/// Which documents go into which batch: documents of like length together, so that little is padded, and at most so many
/// tokens a batch, padding included. A document longer than that is a batch of its own.
/// </summary>
internal static class BatchPlan
{
    private const int ShuffleRows = 1;
    private const int ShuffleBatches = 2;

    // Documents are sorted by length within pools of about this many batches: enough to pad little (documents of a batch
    // are neighbors among thousands), few enough that the batches are made of other documents at every epoch.
    private const int BatchesPerPool = 64;

    /// <summary>The batches of an epoch: every document once, in an order that depends on the seed and the epoch alone.</summary>
    public static int[][] Shuffled(ReadOnlySpan<int> lengths, int tokensPerBatch, int seed, int epoch)
    {
        int[] rows = new int[lengths.Length];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = i;
        new DeterministicRandom(DeterministicRandom.Combine(seed, ShuffleRows, epoch)).Shuffle(rows.AsSpan());

        var batches = new List<int[]>();
        long tokensPerPool = (long)BatchesPerPool * tokensPerBatch;
        for (int start = 0, end; start < rows.Length; start = end)
        {
            long tokens = 0;
            for (end = start; end < rows.Length && tokens < tokensPerPool; end++)
                tokens += Math.Max(1, lengths[rows[end]]);
            Cut(rows.AsSpan(start, end - start), lengths, tokensPerBatch, batches);
        }
        int[][] plan = [.. batches];
        new DeterministicRandom(DeterministicRandom.Combine(seed, ShuffleBatches, epoch)).Shuffle(plan.AsSpan());
        return plan;
    }

    /// <summary>Batches for evaluation: every document once, the shortest first.</summary>
    public static int[][] ByLength(ReadOnlySpan<int> lengths, int tokensPerBatch)
    {
        int[] rows = new int[lengths.Length];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = i;
        var batches = new List<int[]>();
        Cut(rows, lengths, tokensPerBatch, batches);
        return [.. batches];
    }

    /// <summary>The lengths of all documents.</summary>
    public static int[] Lengths(ITokenizedDocuments documents)
    {
        int[] lengths = new int[documents.Count];
        for (int i = 0; i < lengths.Length; i++)
            lengths[i] = documents.LengthOf(i);
        return lengths;
    }

    private static void Cut(Span<int> rows, ReadOnlySpan<int> lengths, int tokensPerBatch, List<int[]> batches)
    {
        // Length first, then the place before: the order of equal lengths is the shuffled one.
        long[] keys = new long[rows.Length];
        for (int i = 0; i < keys.Length; i++)
            keys[i] = ((long)lengths[rows[i]] << 32) | (uint)i;
        keys.AsSpan().Sort(rows);

        int start = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            // The documents come by length, so that the next is the longest: the batch gets its width.
            long width = Math.Max(1, lengths[rows[i]]);
            if (i > start && width * (i - start + 1) > tokensPerBatch)
            {
                batches.Add(rows[start..i].ToArray());
                start = i;
            }
        }
        if (start < rows.Length)
            batches.Add(rows[start..].ToArray());
    }
}
