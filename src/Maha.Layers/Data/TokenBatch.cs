using Maha.Layers.Core;
using Maha.Layers.Text;
using static TorchSharp.torch;

namespace Maha.Layers.Data;

// B batch, N length

/// <summary>Documents as tensors: padded at the end to the longest of them.</summary>
public sealed class TokenBatch : IDisposable
{
    private TokenBatch(Tensor tokenIds, Tensor? keyPaddingMask, Tensor? labels)
    {
        TokenIds = tokenIds;
        KeyPaddingMask = keyPaddingMask;
        Labels = labels;
    }

    /// <summary>[B, N] of Int64; N is the length of the longest document, at least 1. Padding holds <see cref="ByteLevelBpeTokenizer.PadTokenId"/>.</summary>
    public Tensor TokenIds { get; }

    /// <summary>[B, N] of Bool, true = ignore this token; null where nothing is padded.</summary>
    public Tensor? KeyPaddingMask { get; }

    /// <summary>[B] of Int64, the class indices; null without labels.</summary>
    public Tensor? Labels { get; }

    /// <summary>The class indices once more, in managed memory; null without labels.</summary>
    public IReadOnlyList<int>? LabelValues { get; private init; }

    /// <summary>The length of each document without padding.</summary>
    public required IReadOnlyList<int> Lengths { get; init; }

    /// <summary>The index of each document among those the batch was made of.</summary>
    public required IReadOnlyList<int> Rows { get; init; }

    /// <summary>The sum of <see cref="Lengths"/>.</summary>
    public long NumTokens { get; private init; }

    /// <summary>
    /// A number for what a task draws at random (which tokens it masks, which views it takes). In training it differs by batch and
    /// epoch; in validation it differs by batch and is the same at every epoch, so that epochs compare.
    /// </summary>
    public long Seed { get; private init; }

    /// <summary>The part of the training's steps that was behind it when the batch was made, from 0 at the first step to below 1; 1 in validation.</summary>
    public double Progress { get; private init; }

    /// <summary>Makes the tensors of some documents.</summary>
    /// <param name="documents">Where the documents are.</param>
    /// <param name="rows">Their indices, in the order of the rows of the tensors; at least one.</param>
    /// <param name="device">Where the tensors go; null for the CPU.</param>
    /// <param name="seed">The batch's <see cref="Seed"/>.</param>
    /// <param name="progress">The batch's <see cref="Progress"/>.</param>
    /// <exception cref="ArgumentException">There are no rows, or one is out of range.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public static TokenBatch Create(ITokenizedDocuments documents, IReadOnlyList<int> rows, Device? device = null, long seed = 0, double progress = 1)
    {
        TorchLibrary.EnsureLoaded();
        ArgumentNullException.ThrowIfNull(documents);
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0)
            throw new ArgumentException("A batch must hold at least one document, but rows is empty. Leave out empty batches.", nameof(rows));

        int[] lengths = new int[rows.Count];
        int width = 1;
        for (int b = 0; b < lengths.Length; b++)
        {
            lengths[b] = documents.LengthOf(rows[b]);
            width = Math.Max(width, lengths[b]);
        }

        // The tensors may go on using the arrays they are made of, so that every batch gets new ones.
        long[] ids = new long[checked(lengths.Length * width)];
        bool[] isPadding = new bool[ids.Length];
        int[] tokens = new int[width];
        bool isPadded = false;
        for (int b = 0; b < lengths.Length; b++)
        {
            documents.CopyTokens(rows[b], tokens);
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
            tensor(ids, [lengths.Length, width], device: device),
            isPadded ? tensor(isPadding, [lengths.Length, width], device: device) : null,
            labels is null ? null : tensor(Array.ConvertAll(labels, label => (long)label), device: device))
        {
            LabelValues = labels,
            Lengths = lengths,
            Rows = [.. rows],
            NumTokens = lengths.Sum(length => (long)length),
            Seed = seed,
            Progress = progress,
        };
    }

    /// <summary>Frees the tensors. Not needed inside a dispose scope.</summary>
    public void Dispose()
    {
        TokenIds.Dispose();
        KeyPaddingMask?.Dispose();
        Labels?.Dispose();
    }
}
