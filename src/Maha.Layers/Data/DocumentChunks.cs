using Maha.Layers.Core;

namespace Maha.Layers.Data;

/// <summary>
/// Pieces of documents for pretraining. The label of a piece is the index of its document, so that a task does not contrast pieces
/// of the same document.
/// </summary>
/// <remarks>
/// A document longer than a piece gives pieces at random positions without overlap, up to a limit, so that one book does not
/// outweigh a hundred pages.
/// </remarks>
internal sealed class DocumentChunks : ITokenizedDocuments
{
    private readonly ITokenizedDocuments _documents;
    private readonly List<(int Document, int Start, int Length)> _chunks = [];

    /// <summary>Cuts documents into pieces.</summary>
    /// <param name="documents">The documents; the tokens of a piece are read when they are asked for.</param>
    /// <param name="chunkLength">The maximum number of tokens of a piece, at least 1.</param>
    /// <param name="maxChunksPerDocument">The maximum number of pieces of a document, at least 1.</param>
    /// <param name="seed">The seed of the positions.</param>
    /// <param name="include">Returns whether the document at an index is used; null for all.</param>
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
            int[] positions = [.. Enumerable.Range(0, (length + chunkLength - 1) / chunkLength)];
            // The first piece is always kept.
            if (positions.Length > maxChunksPerDocument)
                new DeterministicRandom(DeterministicRandom.Combine(seed, SeedPurpose.ChunkPositions, i)).Shuffle(positions.AsSpan(1));
            foreach (int position in positions.Take(maxChunksPerDocument).Order())
                _chunks.Add((i, position * chunkLength, Math.Min(chunkLength, length - position * chunkLength)));
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
        _documents.TokensOf(document).AsSpan(start, length).CopyTo(destination);
    }
}
