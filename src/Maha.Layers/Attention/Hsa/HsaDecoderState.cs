using System.Numerics;
using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, K head dim, b branching

/// <summary>The cache of a causal hierarchical layer: the mean keys and values of the nodes that the next token can see, at every level of the tree.</summary>
/// <remarks>
/// A token is a node of level 0. When b nodes of a level are complete, their mean becomes one node of the next level. The cache holds all nodes that the next
/// token can see: O(b log N) memory and time per token. It is in CPU memory for every device of the layer.
/// </remarks>
internal sealed class HsaDecoderState : DecoderState
{
    private readonly int _branching;
    private readonly bool _overlap;
    private ITreeCache? _cache;
    private ScalarType _type;

    public HsaDecoderState(int branching, bool overlap)
    {
        (_branching, _overlap) = (branching, overlap);
    }

    /// <inheritdoc/>
    public override long CacheBytes => _cache?.Bytes ?? 0;

    /// <summary>Appends one token and computes its attention to itself and the tokens before it.</summary>
    /// <param name="query">[G, K].</param>
    /// <param name="key">[G, K].</param>
    /// <param name="value">[G, K].</param>
    /// <param name="groups">G.</param>
    /// <param name="headDim">K.</param>
    /// <param name="type">The element type of the layer.</param>
    /// <param name="output">[G, K].</param>
    public unsafe void Step<T>(T* query, T* key, T* value, int groups, int headDim, ScalarType type, T* output)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        Cache<T>(groups, headDim, type).Step(query, key, value, T.CreateTruncating(1 / Math.Sqrt(headDim)), output);
        Position++;
    }

    /// <summary>Appends the next tokens of every sequence and returns their attention, tensors [B, N, D] of any device and type.</summary>
    public Tensor Step(Tensor query, Tensor key, Tensor value, int numHeads) => query.dtype == ScalarType.Float64
        ? Step<double>(query, key, value, numHeads, attends: true)!
        : Step<float>(query, key, value, numHeads, attends: true)!;

    /// <summary>Appends tokens [B, N, D] without computing their attention.</summary>
    public void Append(Tensor key, Tensor value, int numHeads)
    {
        if (key.dtype == ScalarType.Float64)
            Step<double>(key, key, value, numHeads, attends: false);
        else
            Step<float>(key, key, value, numHeads, attends: false);
    }

    private unsafe Tensor? Step<T>(Tensor query, Tensor key, Tensor value, int numHeads, bool attends)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = (Host(query), Host(key), Host(value)); // [N, B, D]
        var output = attends ? empty_like(q) : null;
        int groups = (int)query.shape[0] * numHeads, headDim = (int)query.shape[2] / numHeads;
        long row = (long)groups * headDim;
        T* queries = TensorMemory.Pointer<T>(q), keys = TensorMemory.Pointer<T>(k), values = TensorMemory.Pointer<T>(v);
        var outputs = output is null ? null : TensorMemory.Pointer<T>(output);
        for (long token = 0; token < query.shape[1]; token++)
        {
            if (attends)
            {
                Step(queries + (token * row), keys + (token * row), values + (token * row), groups, headDim, query.dtype, outputs + (token * row));
            }
            else
            {
                Cache<T>(groups, headDim, query.dtype).Append(keys + (token * row), values + (token * row));
                Position++;
            }
        }
        GC.KeepAlive(q);
        GC.KeepAlive(k);
        GC.KeepAlive(v);
        return output?.transpose(0, 1).to(query.dtype).to(query.device).MoveToOuterDisposeScope();

        static Tensor Host(Tensor tokens)
        {
            var type = tokens.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
            return tokens.detach().cpu().to(type).transpose(0, 1).contiguous();
        }
    }

    /// <summary>Checks that the tokens of a layer belong to the sequences of this state.</summary>
    public void Check(int groups, int headDim, ScalarType type)
    {
        if (_cache is not null && (_cache.Groups != groups || _cache.HeadDim != headDim || _type != type))
        {
            throw new ArgumentException(
                $"The state was made by other sequences: {_cache.Groups} sequences times heads of {_cache.HeadDim} channels of {_type}, " +
                $"but {groups} of {headDim} of {type} were given. Start a new state.");
        }
    }

    /// <summary>Checks that the layer has the tree of this state.</summary>
    public void CheckTree(int branching, bool overlap)
    {
        if ((_branching, _overlap) != (branching, overlap))
        {
            throw new ArgumentException(
                $"The state must be of a layer with the same tree, but was made with Branching {_branching} and Overlap {_overlap} " +
                $"where the layer has {branching} and {overlap}. Take one from its own StartDecoding.");
        }
    }

    /// <inheritdoc/>
    protected override void Free() => _cache = null;

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
