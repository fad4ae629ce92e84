namespace Maha.Layers.Data;

/// <summary>A collection whose documents are those of another one, in whole or in part.</summary>
internal interface IDocumentView : ITokenizedDocuments
{
    /// <summary>The collection that the documents are taken from.</summary>
    ITokenizedDocuments Source { get; }

    /// <summary>Returns the index in <see cref="Source"/> of a document.</summary>
    /// <param name="index">The document, in [0, Count).</param>
    int SourceIndexOf(int index);
}
