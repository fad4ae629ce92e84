using Maha.Layers.Core;
using Maha.Layers.Text;
using static TorchSharp.torch;

namespace Maha.Layers.Data;

// B batch, N length

/// <summary>A batch of documents as tensors, padded at the end to the length of the longest.</summary>
public sealed class TokenBatch : IDisposable
{
    private TokenBatch(ITokenizedDocuments documents, Tensor tokenIds, Tensor? keyPaddingMask, Tensor? labels)
    {
        Documents = documents;
        TokenIds = tokenIds;
        KeyPaddingMask = keyPaddingMask;
        Labels = labels;
    }

    /// <summary>
    /// The token ids, [B, N] of Int64. N is the length of the longest document, at least 1. Padding holds
    /// <see cref="ByteLevelBpeTokenizer.PadTokenId"/>.
    /// </summary>
    public Tensor TokenIds { get; }

    /// <summary>The padding mask, [B, N] of Bool, true = ignore this token; null without padding.</summary>
    public Tensor? KeyPaddingMask { get; }

    /// <summary>The class indices, [B] of Int64; null without labels.</summary>
    public Tensor? Labels { get; }

    /// <summary>The class indices in managed memory; null without labels.</summary>
    public IReadOnlyList<int>? LabelValues { get; private init; }

    /// <summary>The weights of the documents; null where all are 1.</summary>
    internal IReadOnlyList<float>? Weights { get; private init; }

    /// <summary>The number of tokens of each document, without padding.</summary>
    public required IReadOnlyList<int> Lengths { get; init; }

    /// <summary>The collection that the batch was made from.</summary>
    internal ITokenizedDocuments Documents { get; }

    /// <summary>The index of each document in the collection that the batch was made from.</summary>
    public required IReadOnlyList<int> Rows { get; init; }

    /// <summary>The elements of <see cref="TokenIds"/>. Not to be changed: the tensor may use them.</summary>
    internal long[] HostIds { get; private init; } = [];

    /// <summary>The lowest and the highest of the token ids.</summary>
    internal (long Low, long High) IdRange { get; private init; }

    /// <summary>The number of tokens of all documents, without padding.</summary>
    public long NumTokens { get; private init; }

    /// <summary>
    /// The seed of what a task draws at random, such as the tokens that it masks. In training it differs by batch and epoch; in
    /// validation it differs by batch only, so that epochs can be compared.
    /// </summary>
    public long Seed { get; private init; }

    /// <summary>The fraction of the training steps that were done when the batch was made: in [0, 1) in training, 1 in validation.</summary>
    public double Progress { get; private init; }

    /// <summary>Creates the batch of some documents.</summary>
    /// <param name="documents">The documents to choose from.</param>
    /// <param name="rows">The indices of the documents of the batch, at least one, in the order of the rows of the tensors.</param>
    /// <param name="device">The device of the tensors; null for the CPU.</param>
    /// <param name="seed">The value of <see cref="Seed"/>.</param>
    /// <param name="progress">The value of <see cref="Progress"/>.</param>
    /// <returns>The batch. Dispose it, or create it inside a dispose scope.</returns>
    /// <exception cref="ArgumentException"><paramref name="rows"/> is empty, or an index is out of range.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public static TokenBatch Create(ITokenizedDocuments documents, IReadOnlyList<int> rows, Device? device = null, long seed = 0, double progress = 1)
    {
        TorchLibrary.EnsureLoaded();
        ArgumentNullException.ThrowIfNull(documents);
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0)
            throw new ArgumentException("A batch must hold at least one document, but rows is empty. Leave out empty batches.", nameof(rows));

        int[] lengths = new int[rows.Count];
        int[][]? drawn = documents is IDrawnDocuments parts ? [.. rows.Select(row => parts.Draw(row, seed))] : null;
        int width = 1;
        for (int b = 0; b < lengths.Length; b++)
        {
            lengths[b] = drawn is null ? documents.LengthOf(rows[b]) : drawn[b].Length;
            width = Math.Max(width, lengths[b]);
        }

        // A tensor may keep using the array that it is made of, so every batch gets new arrays.
        long[] ids = new long[checked(lengths.Length * width)];
        bool[] isPadding = new bool[ids.Length];
        int[] tokens = new int[width];
        bool isPadded = false;
        for (int b = 0; b < lengths.Length; b++)
        {
            if (drawn is null)
                documents.CopyTokens(rows[b], tokens);
            else
                drawn[b].CopyTo(tokens, 0);
            int start = b * width, end = start + lengths[b];
            for (int i = start; i < end; i++)
                ids[i] = tokens[i - start];
            ids.AsSpan(end, start + width - end).Fill(ByteLevelBpeTokenizer.PadTokenId);
            isPadding.AsSpan(end, start + width - end).Fill(true);
            isPadded |= lengths[b] < width;
        }

        int[]? labels = documents.HasLabels ? [.. rows.Select(documents.LabelOf)] : null;
        device ??= CPU;
        return new TokenBatch(
            documents,
            HostTensors.Create(ids, [lengths.Length, width], device),
            isPadded ? HostTensors.Create(isPadding, [lengths.Length, width], device) : null,
            labels is null ? null : HostTensors.Create(Array.ConvertAll(labels, label => (long)label), [labels.Length], device))
        {
            HostIds = ids,
            IdRange = RangeOf(ids),
            LabelValues = labels,
            Weights = documents.WeightsOf(rows),
            Lengths = lengths,
            Rows = [.. rows],
            NumTokens = lengths.Sum(length => (long)length),
            Seed = seed,
            Progress = progress,
        };
    }

    /// <summary>States what is known of the tensors, for a model that reads them as they are, until the result is disposed.</summary>
    internal KnownTokens StateFacts() => new(TokenIds, IdRange, KeyPaddingMask, KeyPaddingMask is null ? null : [.. Lengths], HostIds);

    /// <summary>Disposes the tensors. A batch that was created inside a dispose scope is disposed with the scope.</summary>
    public void Dispose()
    {
        TokenIds.Dispose();
        KeyPaddingMask?.Dispose();
        Labels?.Dispose();
    }

    private static (long Low, long High) RangeOf(long[] ids) => (ids.Min(), ids.Max());
}
