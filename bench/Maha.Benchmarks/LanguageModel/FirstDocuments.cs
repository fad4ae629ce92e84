using Maha.Layers.Data;


namespace Maha.Benchmarks.LanguageModel;

/// <summary>The first of some documents: an epoch of a given number of tokens.</summary>
internal sealed class FirstDocuments(ITokenizedDocuments documents, int count) : ITokenizedDocuments
{
    public int Count => Math.Min(count, documents.Count);

    public bool HasLabels => documents.HasLabels;

    public int LengthOf(int index) => documents.LengthOf(index);

    public int LabelOf(int index) => documents.LabelOf(index);

    public void CopyTokens(int index, Span<int> destination) => documents.CopyTokens(index, destination);
}
