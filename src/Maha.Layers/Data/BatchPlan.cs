using Maha.Layers.Core;

namespace Maha.Layers.Data;

/// <summary>
/// Assigns documents to batches. Documents of similar length share a batch, so that there is little padding. A batch has at most a
/// given number of tokens, padding included; a longer document is a batch of its own.
/// </summary>
internal static class BatchPlan
{
    // Documents are sorted by length within pools of about this many batches: enough for little padding (the documents of a
    // batch are neighbors among thousands), few enough that every epoch puts other documents together.
    private const int BatchesPerPool = 64;

    /// <summary>The batches of an epoch: every document once, in an order that depends only on the seed and the epoch.</summary>
    public static int[][] Shuffled(ReadOnlySpan<int> lengths, int tokensPerBatch, int seed, int epoch)
    {
        int[] rows = new int[lengths.Length];
        for (int i = 0; i < rows.Length; i++)
            rows[i] = i;
        new DeterministicRandom(DeterministicRandom.Combine(seed, SeedPurpose.DocumentOrder, epoch)).Shuffle(rows.AsSpan());

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
        new DeterministicRandom(DeterministicRandom.Combine(seed, SeedPurpose.BatchOrder, epoch)).Shuffle(plan.AsSpan());
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

    /// <summary>
    /// Groups the batches of an epoch into steps, in their order. A step ends as soon as it has both minima. Documents at the end that are
    /// fewer than the minimum join the step before, so that only an epoch of fewer documents has a step below it.
    /// </summary>
    /// <param name="plan">The batches.</param>
    /// <param name="minBatches">The minimum number of batches of a step; the last step may have fewer.</param>
    /// <param name="minDocuments">The minimum number of documents of a step.</param>
    /// <returns>The batches of each step, as ranges of <paramref name="plan"/>.</returns>
    public static Range[] Steps(int[][] plan, int minBatches, int minDocuments)
    {
        var steps = new List<Range>();
        int first = 0, documents = 0;
        for (int i = 0; i < plan.Length; i++)
        {
            documents += plan[i].Length;
            if (i - first + 1 < minBatches || documents < minDocuments)
                continue;
            steps.Add(first..(i + 1));
            first = i + 1;
            documents = 0;
        }
        if (documents >= minDocuments || (documents > 0 && steps.Count == 0))
            steps.Add(first..plan.Length);
        else if (documents > 0)
            steps[^1] = steps[^1].Start..plan.Length;
        return [.. steps];
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
        // By length, then by the position before sorting: documents of equal length stay in shuffled order.
        long[] keys = new long[rows.Length];
        for (int i = 0; i < keys.Length; i++)
            keys[i] = ((long)lengths[rows[i]] << 32) | (uint)i;
        keys.AsSpan().Sort(rows);

        int start = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            // The documents are sorted by length, so the next one is the longest and sets the width of the batch.
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
