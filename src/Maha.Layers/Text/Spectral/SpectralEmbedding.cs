using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Weights;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Text;

// B batch, N length, F features (tokens and hashed pairs of neighbors), K width

/// <summary>
/// A vector of a document's vocabulary: its tokens and pairs of neighboring tokens, weighted by how rare they are, in the K directions in which
/// a collection of documents differs most (latent semantic analysis, Deerwester et al. 1990).
/// </summary>
/// <remarks>
/// x_f = (1 + ln count_f) ln((1 + M) / (1 + df_f)), x scaled to length 1; vector = x V with V [F, K] from a truncated singular value decomposition
/// of M unlabelled documents. Features that only one document has don't count. It is closed-form: seconds where training a network takes minutes,
/// and hard to beat where labels are few. It knows nothing of order beyond pairs. Cost of a document O(N K).
/// </remarks>
internal sealed class SpectralEmbedding : Module<Tensor, Tensor?, Tensor>
{
    /// <summary>Fitting looks at this many documents at most, spread evenly: more change the directions little and take memory.</summary>
    internal const int MaxDocuments = 20_000;

    // Not readonly: a move to another device puts other tensors here.
    [ComponentName(Name = "table")] private readonly Tensor _table;
    [ComponentName(Name = "rarity")] private readonly Tensor _rarity;
    private readonly LexicalFeatures _features;
    private readonly int _vocabSize;

    /// <summary>Builds an embedding that gives 0 until it is fitted or loaded.</summary>
    /// <param name="vocabSize">The number of token ids.</param>
    /// <param name="dim">K.</param>
    /// <param name="numPairBuckets">The buckets that hashed pairs of tokens share; 0 for tokens alone.</param>
    /// <param name="maxTokens">How many tokens from a document's beginning are looked at.</param>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public SpectralEmbedding(int vocabSize, int dim, int numPairBuckets = 16384, int maxTokens = int.MaxValue) : base(TorchLibrary.EnsureLoadedFor(nameof(SpectralEmbedding)))
    {
        TensorChecks.InRange(vocabSize, 1, 1 << 24, nameof(vocabSize), "Give the number of ids of the tokenizer.");
        TensorChecks.InRange(dim, 1, 4096, nameof(dim), "Use about 128.");
        TensorChecks.InRange(numPairBuckets, 0, 1 << 24, nameof(numPairBuckets), "Use about twice the vocabulary, or 0.");
        TensorChecks.InRange(maxTokens, 1, int.MaxValue, nameof(maxTokens), "Leave it out to look at whole documents.");
        _features = new LexicalFeatures(vocabSize, numPairBuckets, maxTokens);
        _vocabSize = vocabSize;
        Dim = dim;
        _table = zeros(_features.Count, dim);
        _rarity = zeros(_features.Count);
        RegisterComponents();
        ModuleWeights.OutliveScopes(this);
    }

    /// <summary>K.</summary>
    public int Dim { get; }

    /// <summary>Learns rarity and directions from documents without labels.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="seed">The seed of the decomposition's first guess.</param>
    /// <param name="cancellationToken">Ends the fitting with an <see cref="OperationCanceledException"/>.</param>
    public void Fit(ITokenizedDocuments documents, int seed, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        int count = Math.Min(documents.Count, MaxDocuments);
        var counts = new Dictionary<int, int>[count];
        float[] rarity = new float[_features.Count];
        for (int i = 0; i < count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int index = (int)((long)i * documents.Count / count);
            int[] ids = new int[documents.LengthOf(index)];
            documents.CopyTokens(index, ids);
            counts[i] = _features.CountOccurrences(ids);
            foreach (int feature in counts[i].Keys)
                rarity[feature]++;
        }
        foreach (ref float value in rarity.AsSpan())
            value = value > 1 ? MathF.Log((1 + count) / (1 + value)) : 0;
        var matrix = new SparseRows(_features.Count);
        foreach (var document in counts)
        {
            foreach (var (feature, occurrences) in document)
            {
                if (rarity[feature] > 0)
                    matrix.Add(feature, LexicalFeatures.Dampen(occurrences) * rarity[feature]);
            }

            matrix.EndRow();
        }
        float[] table = TruncatedDecomposition.RightVectors(matrix, Dim, seed, cancellationToken);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        _table.copy_(tensor(table, [_features.Count, Dim]));
        _rarity.copy_(tensor(rarity));
    }

    /// <summary>The vectors of a batch of documents.</summary>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null where nothing is padded.</param>
    /// <returns>[B, K]; 0 for a document without known features.</returns>
    /// <exception cref="ArgumentException">The ids or the mask have another shape, type or device than the embedding takes, or an id is not in the vocabulary.</exception>
    public override Tensor forward(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        TensorChecks.TokenIds(tokenIds, _vocabSize, int.MaxValue, _table, nameof(tokenIds));
        if (keyPaddingMask is not null)
            TensorChecks.TokenMask(keyPaddingMask, tokenIds.shape[0], tokenIds.shape[1], tokenIds, nameof(keyPaddingMask));
        using var scope = NewDisposeScope();
        int batchSize = (int)tokenIds.shape[0], length = (int)tokenIds.shape[1];
        long[] ids = tokenIds.cpu().data<long>().ToArray();
        bool[]? isPadding = keyPaddingMask?.cpu().data<bool>().ToArray();
        var rows = new List<Tensor>(batchSize);
        int[] document = new int[length];
        for (int b = 0; b < batchSize; b++)
        {
            int count = 0;
            for (int i = b * length; i < (b + 1) * length; i++)
            {
                if (isPadding is null || !isPadding[i])
                    document[count++] = (int)ids[i];
            }

            rows.Add(VectorOf(document.AsSpan(0, count)));
        }
        return cat([.. rows], 0).MoveToOuterDisposeScope();
    }

    /// <summary>The directions of single tokens, [V, K].</summary>
    internal Tensor TokenTable => _table.narrow(0, 0, _vocabSize);

    private Tensor VectorOf(ReadOnlySpan<int> ids)
    {
        var counts = _features.CountOccurrences(ids);
        if (counts.Count == 0)
            return zeros(1, Dim, device: _table.device);
        long[] features = [.. counts.Keys.Select(feature => (long)feature)];
        float[] dampened = [.. counts.Values.Select(LexicalFeatures.Dampen)];
        var index = tensor(features, device: _table.device);
        var weights = tensor(dampened, device: _table.device) * _rarity.index_select(0, index); // [n]
        var norm = weights.square().sum().sqrt().clamp_min(1e-12); // where no feature is known all weights are 0
        return (weights / norm).unsqueeze(0).CheckedMatmul(_table.index_select(0, index)); // [1, K]
    }
}
