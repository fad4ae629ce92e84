namespace Maha.Layers.Data;

/// <summary>Documents as token ids, in a fixed order, each with a class index or all without.</summary>
/// <remarks>Reading is safe from many threads.</remarks>
public interface ITokenizedDocuments
{
    /// <summary>The number of documents.</summary>
    int Count { get; }

    /// <summary>Whether every document has a label.</summary>
    bool HasLabels { get; }

    /// <summary>The number of tokens of a document; 0 for an empty one.</summary>
    /// <param name="index">From 0 to Count - 1.</param>
    int LengthOf(int index);

    /// <summary>The label of a document, a class index.</summary>
    /// <param name="index">From 0 to Count - 1.</param>
    /// <exception cref="InvalidOperationException">The documents have no labels.</exception>
    int LabelOf(int index);

    /// <summary>Copies the token ids of a document.</summary>
    /// <param name="index">From 0 to Count - 1.</param>
    /// <param name="destination">At least as long as the document; what lies beyond it stays as it is.</param>
    void CopyTokens(int index, Span<int> destination);
}
