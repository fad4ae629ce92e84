using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Text;

namespace Maha.Layers.Training;

// B documents of a batch, N length of the longest view

/// <summary>Random pieces (views) of the documents of a batch, with masked tokens. The first views of all documents come before the second views.</summary>
internal sealed class TokenViews
{
    public TokenViews(TokenBatch batch, PretrainingOptions options, int vocabSize)
    {
        var random = new DeterministicRandom(unchecked((ulong)batch.Seed));
        int documents = batch.Rows.Count, viewsEach = options.ContrastiveWeight > 0 ? 2 : 1;
        Count = viewsEach * documents;
        int[] starts = new int[Count], lengths = new int[Count];
        Lengths = lengths;
        for (int view = 0; view < Count; view++)
        {
            int length = batch.Lengths[view % documents];
            lengths[view] = Math.Min(length, options.ViewLength);
            starts[view] = random.Next(length - lengths[view] + 1);
        }
        Length = Math.Max(1, lengths.Max());
        Ids = new long[Count * Length];
        IsPadding = new bool[Ids.Length];
        long[] source = batch.HostIds;
        int width = source.Length / documents;
        for (int view = 0; view < Count; view++)
        {
            var target = Ids.AsSpan(view * Length, Length);
            source.AsSpan(view % documents * width + starts[view], lengths[view]).CopyTo(target);
            target[lengths[view]..].Fill(ByteLevelBpeTokenizer.PadTokenId);
            IsPadding.AsSpan(view * Length + lengths[view], Length - lengths[view]).Fill(true);
            IsPadded |= lengths[view] < Length;
        }
        var ids = batch.LabelValues ?? batch.Rows;
        Documents = [.. Enumerable.Range(0, Count).Select(view => ids[view % documents])];
        (MaskedPositions, Targets) = options.MaskedTokenWeight > 0 ? TokenMasker.Mask(Ids, options.MaskFraction, vocabSize, ref random) : ([], []);
    }

    /// <summary>The number of views: 2B, or B without the contrastive loss.</summary>
    public int Count { get; }

    /// <summary>The length N of the longest view, at least 1.</summary>
    public int Length { get; }

    /// <summary>The number of tokens of each view, [Count].</summary>
    public IReadOnlyList<int> Lengths { get; }

    /// <summary>The token ids after masking, [Count, N].</summary>
    public long[] Ids { get; }

    /// <summary>The padding mask, [Count, N], true = padding.</summary>
    public bool[] IsPadding { get; }

    /// <summary>Whether a view is padded.</summary>
    public bool IsPadded { get; }

    /// <summary>The document of each view: its label where the batch has labels, otherwise its row.</summary>
    public IReadOnlyList<int> Documents { get; }

    /// <summary>The positions of the masked tokens in <see cref="Ids"/>.</summary>
    public List<long> MaskedPositions { get; }

    /// <summary>The ids of the masked tokens before masking.</summary>
    public List<long> Targets { get; }
}
