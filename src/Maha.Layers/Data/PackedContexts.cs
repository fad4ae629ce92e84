using Maha.Layers.Core;

namespace Maha.Layers.Data;

// C tokens of a context

/// <summary>
/// Documents as contexts of one length, for language models. The documents are joined to one stream of tokens, with an end-of-text token
/// before the first document and after each document.
/// </summary>
/// <remarks>
/// <para>A context holds C tokens of that stream and begins with the last token of the previous context, so that every token of the
/// documents, and every end of text, is predicted exactly once. Only the last context may be shorter. Documents without tokens are left
/// out.</para>
/// <para>The tokens are not copied: they are read from the documents when a context is asked for. The documents stay with their owner.
/// Contexts can be read from several threads at the same time if the documents can.</para>
/// </remarks>
public sealed class PackedContexts : ITokenizedDocuments
{
    private readonly ITokenizedDocuments _documents;
    private readonly int _contextLength;
    private readonly int _endOfText;
    private readonly int[] _rows; // the indices of the documents that have tokens
    private readonly long[] _starts; // the position in the stream where each begins; last, the length of the stream

    /// <summary>Packs documents into contexts.</summary>
    /// <param name="documents">The documents. They must stay alive and unchanged as long as the contexts are used.</param>
    /// <param name="contextLength">C, the number of tokens of a context, from 2 to 16,777,216.</param>
    /// <param name="endOfText">The id of the end-of-text token, at least 0.</param>
    /// <exception cref="ArgumentException">No document has tokens, or an argument is out of range.</exception>
    public PackedContexts(ITokenizedDocuments documents, int contextLength, int endOfText)
    {
        ArgumentNullException.ThrowIfNull(documents);
        TensorChecks.InRange(contextLength, 2, 1 << 24, nameof(contextLength), "The first token of a context is not predicted, so a context needs two.");
        ArgumentOutOfRangeException.ThrowIfNegative(endOfText);
        _documents = documents;
        _contextLength = contextLength;
        _endOfText = endOfText;
        _rows = [.. Enumerable.Range(0, documents.Count).Where(row => documents.LengthOf(row) > 0)];
        if (_rows.Length == 0)
        {
            throw new ArgumentException(
                $"documents must hold at least one document with tokens, but of {documents.Count} none has any. Check what was read.", nameof(documents));
        }
        _starts = new long[_rows.Length + 1];
        _starts[0] = 1;
        for (int i = 0; i < _rows.Length; i++)
            _starts[i + 1] = _starts[i] + documents.LengthOf(_rows[i]) + 1;
        long contexts = (_starts[^1] - 1 + contextLength - 2) / (contextLength - 1);
        if (contexts > int.MaxValue)
        {
            throw new ArgumentException(
                $"There must be at most {int.MaxValue} contexts, but {_starts[^1]} tokens in contexts of {contextLength} make {contexts}. Raise contextLength.",
                nameof(contextLength));
        }
        Count = (int)contexts;
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public bool HasLabels => false;

    /// <summary>The number of predicted tokens over all contexts: the tokens of the documents and one end of text per document.</summary>
    public long NumPredictedTokens => _starts[^1] - 1;

    /// <inheritdoc/>
    public int LengthOf(int index) => (int)Math.Min(_contextLength, _starts[^1] - StartOf(index));

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Always, since contexts have no labels.</exception>
    public int LabelOf(int index)
        => throw new InvalidOperationException("Contexts have no labels, since a language model predicts tokens. Ask the documents themselves.");

    /// <inheritdoc/>
    public void CopyTokens(int index, Span<int> destination)
    {
        long start = StartOf(index), end = start + LengthOf(index);
        if (destination.Length < end - start)
        {
            throw new ArgumentException(
                $"destination must hold the {end - start} tokens of context {index}, but is {destination.Length} long. Ask LengthOf first.",
                nameof(destination));
        }
        int written = 0;
        if (start == 0)
            destination[written++] = _endOfText;

        // The document that covers the first position, its end included.
        int row = Array.BinarySearch(_starts, start + written);
        row = row >= 0 ? row : ~row - 1;
        for (; start + written < end; row++)
        {
            int length = (int)(_starts[row + 1] - 1 - _starts[row]);
            int from = (int)(start + written - _starts[row]), count = (int)Math.Min(length - from, end - start - written);
            if (count > 0)
                written += CopyPart(_rows[row], length, from, destination.Slice(written, count));
            if (start + written < end)
                destination[written++] = _endOfText;
        }
    }

    private int CopyPart(int document, int length, int from, Span<int> destination)
    {
        if (_documents is TokenizedDataset dataset)
        {
            dataset.CopyTokens(document, from, destination);
            return destination.Length;
        }
        if (from == 0 && destination.Length == length)
        {
            _documents.CopyTokens(document, destination);
            return length;
        }
        int[] tokens = System.Buffers.ArrayPool<int>.Shared.Rent(length);
        _documents.CopyTokens(document, tokens);
        tokens.AsSpan(from, destination.Length).CopyTo(destination);
        System.Buffers.ArrayPool<int>.Shared.Return(tokens);
        return destination.Length;
    }

    private long StartOf(int index)
    {
        if ((uint)index >= (uint)Count)
            throw new ArgumentOutOfRangeException(nameof(index), index, $"index must lie in [0, {Count}), the contexts, but is {index}.");
        return (long)index * (_contextLength - 1);
    }
}
