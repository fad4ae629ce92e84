namespace Maha.Layers.Distributed;

/// <summary>The documents of a step that a process computes the gradients of.</summary>
/// <remarks>
/// A step has the same documents whatever the number of processes is. The processes take whole batches in turn; of the batches that are left over, fewer than
/// there are processes, each takes every R-th document. The documents of a batch are sorted by length, so that the parts are of about the same size.
/// </remarks>
internal static class StepShare
{
    /// <summary>Returns the parts of a process, each with the index of its batch.</summary>
    /// <param name="batches">The batches of the epoch.</param>
    /// <param name="step">The batches of the step.</param>
    /// <param name="rank">The number of the process.</param>
    /// <param name="size">The number of processes.</param>
    public static IEnumerable<(int Batch, int[] Rows)> Of(int[][] batches, Range step, int rank, int size)
    {
        var (first, count) = step.GetOffsetAndLength(batches.Length);
        int dealt = count - (count % size);
        for (int i = 0; i < dealt; i++)
        {
            if (i % size == rank)
                yield return (first + i, batches[first + i]);
        }
        for (int i = dealt; i < count; i++)
        {
            int[] rows = batches[first + i];
            // The first document goes to another process in every batch, so that batches of one document are dealt out too.
            int start = (rank - i + (size * count)) % size;
            int[] own = [.. rows.Where((_, row) => row % size == start)];
            if (own.Length > 0)
                yield return (first + i, own);
        }
    }
}
