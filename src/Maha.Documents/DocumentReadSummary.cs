namespace Maha.Documents;

/// <summary>The counts of one complete pass over the documents.</summary>
/// <param name="NumberOfRows">The number of rows.</param>
/// <param name="NumberOfSkipped">The number of documents, files and folders that were skipped.</param>
/// <param name="Skipped">The first 10,000 of them, in the order of reading.</param>
public sealed record DocumentReadSummary(long NumberOfRows, long NumberOfSkipped, IReadOnlyList<SkippedDocument> Skipped)
{
    /// <summary>The most skipped documents that are listed.</summary>
    internal const int MaxListed = 10_000;
}
