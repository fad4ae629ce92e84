using System.Numerics;
using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, K head dim, b branching

/// <summary>What a causal hierarchical layer remembers of the tokens so far: at every level of the tree the mean keys and values of the nodes that stand open.</summary>
/// <remarks>
/// A token is a place of level 0. When b nodes of a level are complete, their mean becomes one place of the next level. The places hold all that the next token
/// may see: O(b log N) of them, and as much time a token. They lie in the processor's memory, whatever the layer's device. Not for use by several threads.
/// </remarks>
public sealed class HsaDecoderState : IDisposable
{
    private readonly int _branching;
    private readonly bool _overlap;
    private ITreeCache? _cache;
    private ScalarType _type;
    private bool _disposed;

    internal HsaDecoderState(int branching, bool overlap)
    {
        (_branching, _overlap) = (branching, overlap);
    }

    /// <summary>The number of tokens taken up.</summary>
    public long Position => _cache?.Position ?? 0;

    /// <summary>The size of the cache, all sequences and heads together.</summary>
    public long CacheBytes => _cache?.Bytes ?? 0;

    /// <summary>Takes one token up and attends to it and what came before.</summary>
    /// <param name="query">[G, K].</param>
    /// <param name="key">[G, K].</param>
    /// <param name="value">[G, K].</param>
    /// <param name="groups">G.</param>
    /// <param name="headDim">K.</param>
    /// <param name="type">The element type of the layer.</param>
    /// <param name="output">[G, K].</param>
    internal unsafe void Step<T>(T* query, T* key, T* value, int groups, int headDim, ScalarType type, T* output)
        where T : unmanaged, IFloatingPointIeee754<T> =>
        Cache<T>(groups, headDim, type).Step(query, key, value, T.CreateTruncating(1 / Math.Sqrt(headDim)), output);

    /// <summary>The same for tensors [B, 1, D] of any device and type.</summary>
    internal unsafe Tensor Step(Tensor query, Tensor key, Tensor value, int numHeads)
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = (Host(query), Host(key), Host(value));
        var output = empty_like(q);
        int groups = (int)query.shape[0] * numHeads, headDim = (int)query.shape[2] / numHeads;
        Step(
            TensorMemory.Pointer<float>(q), TensorMemory.Pointer<float>(k), TensorMemory.Pointer<float>(v), groups, headDim, query.dtype, TensorMemory.Pointer<float>(output));
        return output.to(query.dtype).to(query.device).MoveToOuterDisposeScope();

        static Tensor Host(Tensor token) => token.detach().cpu().to(ScalarType.Float32).contiguous();
    }

    /// <summary>Refuses a state that cannot take tokens of a layer up.</summary>
    internal void Check(int groups, int headDim, ScalarType type)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_cache is not null && (_cache.Groups != groups || _cache.HeadDim != headDim || _type != type))
            throw new ArgumentException($"The state was made by other sequences: {_cache.Groups} sequences times heads of {_cache.HeadDim} channels of {_type}, but {groups} of {headDim} of {type} were given. Start a new state.");
    }

    /// <summary>Ends the decoding; the state takes nothing up from now on.</summary>
    public void Dispose()
    {
        _disposed = true;
        _cache = null;
    }

    private TreeCache<T> Cache<T>(int groups, int headDim, ScalarType type)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Check(groups, headDim, type);
        if (_cache is TreeCache<T> cache)
            return cache;
        var created = new TreeCache<T>(groups, headDim, _branching, _overlap);
        (_cache, _type) = (created, type);
        return created;
    }
}
