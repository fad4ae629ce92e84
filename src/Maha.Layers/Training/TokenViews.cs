using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Text;


namespace Maha.Layers.Training;

// B documents of a batch, N length of the longest view

/// <summary>Random pieces of the documents of a batch, with masked tokens: the first views, then the second ones in the same order.</summary>
internal sealed class TokenViews
{
    public TokenViews(TokenBatch batch, PretrainingOptions options, int vocabSize)
    {
        var random = new DeterministicRandom(unchecked((ulong)batch.Seed));
        int documents = batch.Rows.Count, viewsEach = options.ContrastiveWeight > 0 ? 2 : 1;
        Count = viewsEach * documents;
        int[] starts = new int[Count], lengths = new int[Count];
        for (int view = 0; view < Count; view++)
        {
            int whole = batch.Lengths[view % documents];
            lengths[view] = Math.Min(whole, options.ViewLength);
            starts[view] = random.Next(whole - lengths[view] + 1);
        }
        Length = Math.Max(1, lengths.Max());
        Ids = new long[Count * Length];
        IsPadding = new bool[Ids.Length];
        long[] source = batch.TokenIds.cpu().data<long>().ToArray();
        int width = source.Length / documents;
        for (int view = 0; view < Count; view++)
        {
            var target = Ids.AsSpan(view * Length, Length);
            source.AsSpan(view % documents * width + starts[view], lengths[view]).CopyTo(target);
            target[lengths[view]..].Fill(ByteLevelBpeTokenizer.PadTokenId);
            IsPadding.AsSpan(view * Length + lengths[view], Length - lengths[view]).Fill(true);
            IsPadded |= lengths[view] < Length;
        }
        Documents = [.. Enumerable.Range(0, Count).Select(view => batch.LabelValues is { } labels ? labels[view % documents] : batch.Rows[view % documents])];
        (Places, Targets) = options.MaskedTokenWeight > 0 ? TokenMasking.Apply(Ids, options.MaskFraction, vocabSize, ref random) : ([], []);
    }

    /// <summary>2B, or B where there is no second view.</summary>
    public int Count { get; }

    /// <summary>N.</summary>
    public int Length { get; }

    /// <summary>[Count, N], masked.</summary>
    public long[] Ids { get; }

    /// <summary>[Count, N], true = padding.</summary>
    public bool[] IsPadding { get; }

    /// <summary>Whether anything is padded.</summary>
    public bool IsPadded { get; }

    /// <summary>The document of each view.</summary>
    public IReadOnlyList<int> Documents { get; }

    /// <summary>The places of the masked tokens in <see cref="Ids"/>.</summary>
    public List<long> Places { get; }

    /// <summary>What stood there.</summary>
    public List<long> Targets { get; }
}
