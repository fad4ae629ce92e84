using Maha.Layers.Text;

namespace Maha.Layers.Data;

/// <summary>
/// Documents as token ids, 4 bytes per token. They are in memory up to a limit, otherwise in a temporary file.
/// </summary>
/// <remarks>
/// <para>Texts are streamed: only a few are in memory at the same time. Several threads tokenize; the result is that of one thread.</para>
/// <para>The temporary file is removed by <see cref="Dispose"/>, and when an exception or a cancellation ends the building.</para>
/// <para>The documents can be read from several threads at the same time.</para>
/// </remarks>
public sealed class TokenizedDataset : ITextDocuments, IDisposable
{
    private readonly TokenizedDatasetOptions _options;
    private readonly TokenStore _store;
    private readonly TextStore? _texts;
    private readonly List<long> _starts = [0];
    private readonly List<int> _labels = [];

    private TokenizedDataset(TokenizedDatasetOptions? options, bool hasLabels)
    {
        _options = options ?? new TokenizedDatasetOptions();
        _options.Validate();
        HasLabels = hasLabels;
        _store = new TokenStore(_options.MaxBytesInMemory, _options.TemporaryDirectory);
        _texts = _options.KeepTexts ? new TextStore(_options.MaxBytesInMemory, _options.TemporaryDirectory) : null;
    }

    /// <inheritdoc/>
    public int Count => _starts.Count - 1;

    /// <inheritdoc/>
    public bool HasLabels { get; }

    /// <summary>The number of tokens of all documents.</summary>
    public long NumTokens => _store.Count;

    /// <summary>The number of documents that were longer than the limit and were cut.</summary>
    public int NumTruncatedDocuments { get; private set; }

    /// <summary>
    /// The number of tokens that were cut from those documents. A text is tokenized no further than it is kept, so that of a text that is far longer the
    /// number is estimated from its length.
    /// </summary>
    public long NumTruncatedTokens { get; private set; }

    /// <summary>The weight of each document, above 0; null where all are 1.</summary>
    internal IReadOnlyList<float>? Weights { get; set; }

    /// <summary>The labels of each document, from 0; null where documents have one class each, or none.</summary>
    internal IReadOnlyList<int[]>? LabelSets { get; set; }

    /// <summary>Whether the token ids are in a temporary file.</summary>
    public bool IsSpilled => _store.IsSpilled;

    /// <summary>Tokenizes texts without labels.</summary>
    /// <param name="texts">The texts, enumerated once on the calling thread. An empty text becomes a document without tokens.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="options">The limits and the number of threads; null for the defaults.</param>
    /// <param name="cancellationToken">Checked before every document.</param>
    /// <returns>The documents in the order of the texts. Dispose them at the end.</returns>
    /// <exception cref="ArgumentException">
    /// A text is null, an option is not valid, or a document is too long and the options say <see cref="OverlongDocuments.Throw"/>.
    /// </exception>
    /// <exception cref="IOException">The temporary file can't be written.</exception>
    /// <exception cref="OperationCanceledException">The building was canceled.</exception>
    public static TokenizedDataset FromTexts(
        IEnumerable<string> texts, ByteLevelBpeTokenizer tokenizer, TokenizedDatasetOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(tokenizer);
        return FromTexts(texts, (ITextTokenizer)tokenizer, options, cancellationToken);
    }

    /// <summary>Tokenizes texts without labels, with any tokenizer.</summary>
    internal static TokenizedDataset FromTexts(
        IEnumerable<string> texts, ITextTokenizer tokenizer, TokenizedDatasetOptions? options, CancellationToken cancellationToken)
    {
        var dataset = new TokenizedDataset(options, hasLabels: false);
        var encoded = TokenizerBatches.Encode(text => dataset.Encode(text, tokenizer), texts, dataset._options.NumThreads, cancellationToken);
        return dataset.Fill(encoded.Select(document => (document, 0)), cancellationToken);
    }

    /// <summary>Tokenizes texts with labels.</summary>
    /// <param name="documents">The texts and their class indices, enumerated once on the calling thread.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="options">The limits and the number of threads; null for the defaults.</param>
    /// <param name="cancellationToken">Checked before every document.</param>
    /// <returns>The documents in the order of the texts. Dispose them at the end.</returns>
    /// <exception cref="ArgumentException">
    /// A text is null, an option is not valid, or a document is too long and the options say <see cref="OverlongDocuments.Throw"/>.
    /// </exception>
    /// <exception cref="IOException">The temporary file can't be written.</exception>
    /// <exception cref="OperationCanceledException">The building was canceled.</exception>
    public static TokenizedDataset FromTexts(
        IEnumerable<(string Text, int Label)> documents, ByteLevelBpeTokenizer tokenizer, TokenizedDatasetOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        ArgumentNullException.ThrowIfNull(tokenizer);
        return FromTexts(documents, (ITextTokenizer)tokenizer, options, cancellationToken);
    }

    /// <summary>Tokenizes texts with labels, with any tokenizer.</summary>
    internal static TokenizedDataset FromTexts(
        IEnumerable<(string Text, int Label)> documents, ITextTokenizer tokenizer, TokenizedDatasetOptions? options, CancellationToken cancellationToken)
    {
        var dataset = new TokenizedDataset(options, hasLabels: true);
        // The tokenizer reads a few texts ahead of the ids that it returns; the labels wait for the ids.
        var labels = new Queue<int>();
        var texts = documents.Select(document =>
        {
            labels.Enqueue(document.Label);
            return document.Text;
        });
        var encoded = TokenizerBatches.Encode(text => dataset.Encode(text, tokenizer), texts, dataset._options.NumThreads, cancellationToken);
        return dataset.Fill(encoded.Select(document =>
        {
            dataset.KeepText(document, tokenizer);
            return (document, labels.Dequeue());
        }), cancellationToken);
    }

    /// <summary>Stores token ids without labels.</summary>
    /// <param name="documents">The token ids of each document, enumerated once on the calling thread.</param>
    /// <param name="options">The limits; null for the defaults.</param>
    /// <param name="cancellationToken">Checked before every document.</param>
    /// <returns>The documents in the given order. Dispose them at the end.</returns>
    /// <exception cref="ArgumentException">
    /// A document is null, an option is not valid, or a document is too long and the options say <see cref="OverlongDocuments.Throw"/>.
    /// </exception>
    /// <exception cref="IOException">The temporary file can't be written.</exception>
    /// <exception cref="OperationCanceledException">The building was canceled.</exception>
    public static TokenizedDataset FromTokenIds(
        IEnumerable<int[]> documents, TokenizedDatasetOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        return new TokenizedDataset(options, hasLabels: false).Fill(documents.Select(ids => (EncodedText.FromIds(ids), 0)), cancellationToken);
    }

    /// <summary>Stores token ids with labels.</summary>
    /// <param name="documents">The token ids and the class index of each document, enumerated once on the calling thread.</param>
    /// <param name="options">The limits; null for the defaults.</param>
    /// <param name="cancellationToken">Checked before every document.</param>
    /// <returns>The documents in the given order. Dispose them at the end.</returns>
    /// <exception cref="ArgumentException">
    /// A document is null, an option is not valid, or a document is too long and the options say <see cref="OverlongDocuments.Throw"/>.
    /// </exception>
    /// <exception cref="IOException">The temporary file can't be written.</exception>
    /// <exception cref="OperationCanceledException">The building was canceled.</exception>
    public static TokenizedDataset FromTokenIds(
        IEnumerable<(int[] TokenIds, int Label)> documents, TokenizedDatasetOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        return new TokenizedDataset(options, hasLabels: true)
            .Fill(documents.Select(document => (EncodedText.FromIds(document.TokenIds), document.Label)), cancellationToken);
    }

    /// <inheritdoc/>
    public int LengthOf(int index)
    {
        CheckIndex(index);
        return (int)(_starts[index + 1] - _starts[index]);
    }

    /// <inheritdoc/>
    public int LabelOf(int index)
    {
        if (!HasLabels)
            throw new InvalidOperationException("The documents must have labels, but were built without. Build the data set from pairs of text and label.");
        CheckIndex(index);
        return _labels[index];
    }

    /// <inheritdoc/>
    /// <exception cref="ObjectDisposedException">The data set has been disposed.</exception>
    public void CopyTokens(int index, Span<int> destination)
    {
        int length = LengthOf(index);
        if (destination.Length < length)
        {
            throw new ArgumentException(
                $"destination must hold the {length} tokens of document {index}, but is {destination.Length} long. Ask LengthOf first.", nameof(destination));
        }
        _store.Read(_starts[index], destination[..length]);
    }

    /// <inheritdoc/>
    string ITextDocuments.TextOf(int index)
    {
        CheckIndex(index);
        return (_texts ?? throw new InvalidOperationException("The data set must keep its texts, but was built without. Set KeepTexts.")).Read(index);
    }

    /// <summary>Copies the token ids of a document that start at a position.</summary>
    internal void CopyTokens(int index, int from, Span<int> destination)
    {
        CheckIndex(index);
        _store.Read(_starts[index] + from, destination);
    }

    /// <summary>Releases the memory and removes the temporary file.</summary>
    public void Dispose()
    {
        _store.Dispose();
        _texts?.Dispose();
    }

    // Of a long text no more than what is kept needs.
    private EncodedText Encode(string text, ITextTokenizer tokenizer)
    {
        var (part, ids) = TokenLimit.Encode(tokenizer, text.AsMemory(), _options.MaxDocumentTokens ?? int.MaxValue, _options.OverlongDocuments);
        return new EncodedText(part, ids, text.Length);
    }

    private TokenizedDataset Fill(IEnumerable<(EncodedText Document, int Label)> documents, CancellationToken cancellationToken)
    {
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var (document, label) in documents)
            {
                Add(document, label);
                cancellationToken.ThrowIfCancellationRequested();
            }
            _store.Complete();
            _texts?.Complete();
            return this;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private void Add(EncodedText document, int label)
    {
        int[] tokenIds = document.TokenIds;
        if (tokenIds is null)
        {
            throw new ArgumentException(
                $"Documents must not be null, but document {Count} is. Use an empty array for a document without tokens.", nameof(tokenIds));
        }
        ReadOnlyMemory<int> kept = tokenIds;
        if (_options.MaxDocumentTokens is int limit && tokenIds.Length > limit)
        {
            if (_options.OverlongDocuments == OverlongDocuments.Throw)
            {
                throw new ArgumentException(
                    $"Documents must have at most {limit} tokens (MaxDocumentTokens), but document {Count} has {tokenIds.Length}. " +
                    "Raise the limit, shorten the document, or set OverlongDocuments to what to keep.");
            }
            kept = TokenLimit.Cut(tokenIds, limit, _options.OverlongDocuments);
            NumTruncatedDocuments++;
            NumTruncatedTokens += document.EstimateTokens() - limit;
        }
        _store.Append(kept.Span);
        _starts.Add(_store.Count);
        if (HasLabels)
            _labels.Add(label);
    }

    private void KeepText(EncodedText document, ITextTokenizer tokenizer) => _texts?.Append(TokenLimit.CutText(
        document.Part, document.TokenIds, _options.MaxDocumentTokens ?? int.MaxValue, _options.OverlongDocuments, tokenizer).Span);

    private void CheckIndex(int index)
    {
        if ((uint)index >= (uint)Count)
            throw new ArgumentOutOfRangeException(nameof(index), index, $"index must lie in [0, {Count}), the documents of the data set, but is {index}.");
    }
}
