using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Weights;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Text;

// B batch, N length, F features (tokens and hashed pairs of neighbors), K width

/// <summary>
/// Embeds a document by its vocabulary: its tokens and pairs of neighboring tokens, weighted by rarity, projected to the K directions of greatest variation
/// in a collection of documents (latent semantic analysis, Deerwester et al. 1990).
/// </summary>
/// <remarks>
/// x_f = (1 + ln count_f) ln((1 + M) / (1 + df_f)), x scaled to the norm 1; vector = x V with V [F, K] from a truncated singular value decomposition of
/// M unlabeled documents. Features that only one document has are ignored. Fitting is closed-form and takes seconds where training a network takes minutes;
/// with few labels the embedding is hard to beat. It ignores the order of tokens beyond pairs. Cost per document O(N K).
/// </remarks>
internal sealed class SpectralEmbedding : Module<Tensor, Tensor?, Tensor>
{
    /// <summary>The most documents that fitting uses, spread evenly over all: more documents change the directions little and need memory.</summary>
    internal const int MaxDocuments = 20_000;

    // TorchSharp replaces these fields when the module moves to another device.
    [ComponentName(Name = "table")] private readonly Tensor _table;
    [ComponentName(Name = "rarity")] private readonly Tensor _rarity;
    private readonly LexicalFeatures _features;
    private readonly int _vocabSize;

    /// <summary>Creates an embedding whose vectors are 0 until it is fitted or loaded.</summary>
    /// <param name="vocabSize">The number of token ids.</param>
    /// <param name="dim">K, the width of the vector.</param>
    /// <param name="numPairBuckets">The number of buckets for hashed pairs of tokens; 0 for single tokens only.</param>
    /// <param name="maxTokens">The number of tokens at the beginning of a document that are used.</param>
    /// <exception cref="ArgumentException">A number is out of its range.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public SpectralEmbedding(int vocabSize, int dim, int numPairBuckets = 16384, int maxTokens = int.MaxValue)
        : base(TorchLibrary.EnsureLoadedFor(nameof(SpectralEmbedding)))
    {
        TensorChecks.InRange(vocabSize, 1, 1 << 24, nameof(vocabSize), "Give the number of ids of the tokenizer.");
        TensorChecks.InRange(dim, 1, 4096, nameof(dim), "Use about 128.");
        TensorChecks.InRange(numPairBuckets, 0, 1 << 24, nameof(numPairBuckets), "Use about twice the vocabulary, or 0.");
        TensorChecks.InRange(maxTokens, 1, int.MaxValue, nameof(maxTokens), "Omit it to use complete documents.");
        _features = new LexicalFeatures(vocabSize, numPairBuckets, maxTokens);
        _vocabSize = vocabSize;
        Dim = dim;
        _table = zeros(_features.Count, dim);
        _rarity = zeros(_features.Count);
        RegisterComponents();
        ModuleWeights.OutliveScopes(this);
    }

    /// <summary>K, the width of the vector.</summary>
    public int Dim { get; }

    /// <summary>Fits rarity and directions to documents without labels.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="seed">The seed of the decomposition's first guess.</param>
    /// <param name="isTimeOver">Returns whether what was computed so far must do: fewer iterations give less exact directions. Null without a limit.</param>
    /// <param name="cancellationToken">Ends the fitting with an <see cref="OperationCanceledException"/>.</param>
    public void Fit(ITokenizedDocuments documents, int seed, Func<bool>? isTimeOver = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        int count = Math.Min(documents.Count, MaxDocuments);
        var counts = new Dictionary<int, int>[count];
        float[] rarity = new float[_features.Count];
        for (int i = 0; i < count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int index = (int)((long)i * documents.Count / count);
            counts[i] = _features.CountOccurrences(documents.TokensOf(index));
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
        float[] table = TruncatedDecomposition.RightVectors(matrix, Dim, seed, isTimeOver, cancellationToken);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        _table.copy_(tensor(table, [_features.Count, Dim]));
        _rarity.copy_(tensor(rarity));
    }

    /// <summary>Embeds a batch of documents.</summary>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <returns>[B, K]; 0 for a document without known features.</returns>
    /// <exception cref="ArgumentException">
    /// The ids or the mask have a shape, type or device that the embedding does not accept, or an id is not in the vocabulary.
    /// </exception>
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

            rows.Add(Embed(document.AsSpan(0, count)));
        }
        return cat([.. rows], 0).MoveToOuterDisposeScope();
    }

    /// <summary>The directions of the single tokens, [V, K].</summary>
    internal Tensor TokenTable => _table.narrow(0, 0, _vocabSize);

    /// <summary>Embeds one document, [1, K].</summary>
    /// <param name="ids">Its token ids, each of which is in the vocabulary.</param>
    internal Tensor Embed(ReadOnlySpan<int> ids)
    {
        using var scope = NewDisposeScope();
        var counts = _features.CountOccurrences(ids);
        if (counts.Count == 0)
            return zeros(1, Dim, _table.dtype, _table.device).MoveToOuterDisposeScope();
        long[] features = [.. counts.Keys.Select(feature => (long)feature)];
        float[] dampened = [.. counts.Values.Select(LexicalFeatures.Dampen)];
        var index = tensor(features, device: _table.device);
        var weights = tensor(dampened, device: _table.device) * _rarity.index_select(0, index); // [n]
        var norm = weights.square().sum().sqrt().clamp_min(1e-12); // all weights are 0 if no feature is known
        return (weights / norm).to(_table.dtype).unsqueeze(0).CheckedMatmul(_table.index_select(0, index)).MoveToOuterDisposeScope(); // [1, K]
    }
}
