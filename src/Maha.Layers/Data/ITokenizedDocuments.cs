namespace Maha.Layers.Data;

/// <summary>Documents as token ids in a fixed order, with a class index for each document or for none.</summary>
/// <remarks>Implementations must be safe to read from several threads at the same time.</remarks>
public interface ITokenizedDocuments
{
    /// <summary>The number of documents.</summary>
    int Count { get; }

    /// <summary>Whether every document has a label.</summary>
    bool HasLabels { get; }

    /// <summary>The number of tokens of a document; 0 for an empty document.</summary>
    /// <param name="index">The document, in [0, Count).</param>
    int LengthOf(int index);

    /// <summary>The label of a document: its class index.</summary>
    /// <param name="index">The document, in [0, Count).</param>
    /// <exception cref="InvalidOperationException">The documents have no labels.</exception>
    int LabelOf(int index);

    /// <summary>Copies the token ids of a document.</summary>
    /// <param name="index">The document, in [0, Count).</param>
    /// <param name="destination">The span to copy to, at least as long as the document. Elements after the document stay unchanged.</param>
    void CopyTokens(int index, Span<int> destination);
}
