using Maha.Layers.Data;
using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B batch, N length, D width, S windows, E width of the vector

/// <content>The vectors of documents that a pretrained encoder reads in windows.</content>
internal sealed partial class MahaDocumentEncoder
{
    /// <summary>Computes the encoder's part of the vectors of documents and of their windows, before center and scale.</summary>
    /// <param name="tokenIds">[B, N] of Int64: framed windows, see <see cref="TokenWindows"/>.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <returns>
    /// Documents: [B, D], the means of the features of all tokens of a document; 0 for a document without tokens. Windows: [S, D], the means of the features of
    /// each window, document after document; a document without tokens has none. Special tokens are left out of the means.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// The ids or the mask have a shape, type or device that the model does not accept, or are not framed windows.
    /// </exception>
    /// <exception cref="InvalidOperationException">The encoder reads documents whole.</exception>
    public (Tensor Documents, Tensor Windows) ReadWindows(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        var reader = _reader ?? throw new InvalidOperationException("The encoder must read windows, but reads documents whole. Build it with windows.");
        using var scope = NewDisposeScope();
        var read = reader.call(tokenIds, keyPaddingMask);
        var states = read.States; // [B, C, D], a state per window
        float[] lengths = read.Sizes;
        var weights = tensor(lengths, [states.shape[0], states.shape[1], 1], device: states.device); // [B, C, 1]
        var documents = (states * weights).sum(1) / weights.sum(1).clamp_min(1); // [B, D]
        long[] rows = [.. Enumerable.Range(0, lengths.Length).Where(row => lengths[row] > 0).Select(row => (long)row)];
        var windows = states.flatten(0, 1).index_select(0, tensor(rows, device: states.device)); // [S, D]
        return (documents.MoveToOuterDisposeScope(), windows.MoveToOuterDisposeScope());
    }

    /// <summary>Combines the encoder's part with the spectral parts, and applies center and scale.</summary>
    /// <param name="contextual">[B, D], see <see cref="ReadWindows"/>.</param>
    /// <param name="spectralIds">The token ids of each document in the vocabulary of the spectral parts; they are not read without spectral parts.</param>
    /// <returns>[B, E].</returns>
    public Tensor Combine(Tensor contextual, IReadOnlyList<ReadOnlyMemory<int>> spectralIds)
    {
        using var scope = NewDisposeScope();
        return ((Raw(contextual, spectralIds) - _center) * _scale).MoveToOuterDisposeScope();
    }

    /// <summary>Fits center and scale on documents that are read in windows. The other weights don't change.</summary>
    /// <param name="documents">The framed documents; a few hundred are enough.</param>
    /// <param name="spectralIds">The token ids of each document in the vocabulary of the spectral parts.</param>
    /// <param name="isTimeOver">Returns whether the documents so far must do. At least 16 are read.</param>
    /// <param name="cancellationToken">Ends the fitting with an <see cref="OperationCanceledException"/>.</param>
    public void FitScale(
        ITokenizedDocuments documents, IReadOnlyList<ReadOnlyMemory<int>> spectralIds, Func<bool>? isTimeOver, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        FitScale(documents.Count, RawOf, isTimeOver, cancellationToken);

        Tensor RawOf(int document)
        {
            var batch = TokenBatch.Create(documents, [document], _center.device);
            return Raw(ReadWindows(batch.TokenIds, batch.KeyPaddingMask).Documents, [spectralIds[document]]);
        }
    }

    private Tensor Raw(Tensor contextual, IReadOnlyList<ReadOnlyMemory<int>> spectralIds)
    {
        using var scope = NewDisposeScope();
        var parts = new List<Tensor> { contextual };
        foreach (var part in new[] { _spectral, _beginning })
        {
            if (part is not null)
                parts.Add(cat([.. spectralIds.Select(ids => part.Embed(ids.Span))], 0));
        }
        return cat([.. parts], 1).MoveToOuterDisposeScope();
    }
}
