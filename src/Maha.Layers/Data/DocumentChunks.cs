using Maha.Layers.Core;

namespace Maha.Layers.Data;

/// <summary>Pieces of long documents to pretrain on. The label of a piece is the index of its document, so that pieces of one document are not told apart.</summary>
/// <remarks>A document longer than a piece gives pieces at random places without overlap, up to a limit: one book does not outweigh a hundred pages.</remarks>
public sealed class DocumentChunks : ITokenizedDocuments
{
    private const int Places = 11;

    private readonly ITokenizedDocuments _documents;
    private readonly List<(int Document, int Start, int Length)> _chunks = [];

    /// <summary>Cuts documents.</summary>
    /// <param name="documents">The documents; they are read when a piece is.</param>
    /// <param name="chunkLength">The tokens of a piece, at most.</param>
    /// <param name="maxChunksPerDocument">The pieces of a document, at most.</param>
    /// <param name="seed">The seed of their places.</param>
    /// <param name="include">Which documents take part; null for all.</param>
    /// <exception cref="ArgumentException">A number is below 1.</exception>
    public DocumentChunks(ITokenizedDocuments documents, int chunkLength, int maxChunksPerDocument, int seed, Func<int, bool>? include = null)
    {
        ArgumentNullException.ThrowIfNull(documents);
        TensorChecks.InRange(chunkLength, 1, 1 << 30, nameof(chunkLength), "Use about 512.");
        TensorChecks.InRange(maxChunksPerDocument, 1, 1 << 30, nameof(maxChunksPerDocument), "Use about 4.");
        _documents = documents;
        for (int i = 0; i < documents.Count; i++)
        {
            int length = documents.LengthOf(i);
            if (length == 0 || include?.Invoke(i) == false)
                continue;
            int[] places = [.. Enumerable.Range(0, (length + chunkLength - 1) / chunkLength)];
            if (places.Length > maxChunksPerDocument)
                new DeterministicRandom(DeterministicRandom.Combine(seed, Places, i)).Shuffle(places.AsSpan(1)); // the beginning is always one
            foreach (int place in places.Take(maxChunksPerDocument).Order())
                _chunks.Add((i, place * chunkLength, Math.Min(chunkLength, length - place * chunkLength)));
        }
    }

    /// <inheritdoc/>
    public int Count => _chunks.Count;

    /// <inheritdoc/>
    public bool HasLabels => true;

    /// <inheritdoc/>
    public int LengthOf(int index) => _chunks[index].Length;

    /// <inheritdoc/>
    public int LabelOf(int index) => _chunks[index].Document;

    /// <inheritdoc/>
    public void CopyTokens(int index, Span<int> destination)
    {
        var (document, start, length) = _chunks[index];
        int[] whole = new int[_documents.LengthOf(document)];
        _documents.CopyTokens(document, whole);
        whole.AsSpan(start, length).CopyTo(destination);
    }
}
