namespace Maha.Layers.Data;

/// <summary>The label sets of documents that may have several labels each.</summary>
internal static class DocumentLabels
{
    /// <summary>Returns the labels of a document, from 0; null where the documents have one class each, or none.</summary>
    public static int[]? LabelSetOf(this ITokenizedDocuments documents, int index)
    {
        while (documents is IDocumentView view)
            (documents, index) = (view.Source, view.SourceIndexOf(index));
        return documents is TokenizedDataset { LabelSets: { } sets } ? sets[index] : null;
    }

    /// <summary>Returns the labels of all documents; null where they have one class each, or none.</summary>
    public static IReadOnlyList<int[]>? LabelSetsOf(this ITokenizedDocuments documents)
    {
        var sets = Enumerable.Range(0, documents.Count).Select(documents.LabelSetOf).OfType<int[]>().ToList();
        return sets.Count > 0 && sets.Count == documents.Count ? sets : null;
    }

    /// <summary>
    /// Returns one number per document by which documents are divided into parts of equal shares: its class, or the rarest of its labels, which would
    /// otherwise be missing in some part.
    /// </summary>
    /// <param name="documents">The documents. Those without labels have -1.</param>
    public static int[] StrataOf(this ITokenizedDocuments documents)
    {
        if (documents.LabelSetsOf() is not { } sets)
            return [.. Enumerable.Range(0, documents.Count).Select(row => documents.HasLabels ? documents.LabelOf(row) : 0)];
        var counts = sets.SelectMany(set => set).CountBy(label => label).ToDictionary();
        return [.. sets.Select(set => set.Length == 0 ? -1 : set.MinBy(label => (counts[label], label)))];
    }
}
