using Maha.Layers.Training;

namespace Maha.MLNet.Internal;

/// <summary>Documents as token ids, in memory, to predict from.</summary>
/// <param name="ids">The ids of each document.</param>
internal sealed class EncodedTexts(ReadOnlyMemory<int>[] ids) : ITokenizedDocuments
{
    // Padding included.
    private const int TokensPerBatch = 8192;

    // Of the longest document of a batch: a padded token costs what a token costs.
    private const double LeastLength = 0.75;

    // Below so many tokens a forward pass costs more than its tokens, so that padding up to them is cheap.
    private const int FreeTokens = 32;

    public int Count => ids.Length;

    public bool HasLabels => false;

    /// <summary>The ids of a document.</summary>
    public ReadOnlySpan<int> this[int index] => ids[index].Span;

    public int LengthOf(int index) => ids[index].Length;

    public int LabelOf(int index) => throw new InvalidOperationException("Documents to predict from have no labels.");

    public void CopyTokens(int index, Span<int> destination) => ids[index].Span.CopyTo(destination);

    /// <summary>Every document once, in batches of like length; one longer than a batch is alone.</summary>
    public IEnumerable<int[]> Batches()
    {
        int[] rows = [.. Enumerable.Range(0, ids.Length).OrderByDescending(LengthOf)];
        for (int start = 0, end; start < rows.Length; start = end)
        {
            int width = Math.Max(1, LengthOf(rows[start])), least = (int)(LeastLength * width) - FreeTokens;
            for (end = start + 1; end < rows.Length && LengthOf(rows[end]) >= least && (end - start + 1L) * width <= TokensPerBatch; end++)
            {
            }
            yield return rows[start..end];
        }
    }
}
