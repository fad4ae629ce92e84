using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N new tokens, T tokens so far, K head dim

/// <summary>The cache of causal full attention: the keys and values of all tokens so far. Memory and time per token O(T).</summary>
internal sealed class FullDecoderState : DecoderState
{
    // The most scores in memory at a time, in elements.
    private const long ChunkElements = 1 << 22;

    private readonly KeyValueRows _rows = new();

    /// <inheritdoc/>
    public override long CacheBytes => _rows.Bytes;

    /// <summary>Appends tokens and returns their attention to themselves and all tokens before them, [G, N, K].</summary>
    public Tensor Step(Tensor query, Tensor key, Tensor value)
    {
        using var scope = NewDisposeScope();
        _rows.Append(key, value);
        long length = query.shape[1];
        var (keys, values) = (_rows.Keys, _rows.Values);
        long chunkLength = Math.Clamp(ChunkElements / (query.shape[0] * _rows.Count), 1, length);
        var attended = SequenceChunks.Apply(length, chunkLength, (start, count) =>
        {
            long seen = Position + start + count;
            var hidden = CachedAttention.Later(Position + start, count, 0, seen, query.device);
            return CachedAttention.Attend(query.narrow(1, start, count), keys.narrow(1, 0, seen), values.narrow(1, 0, seen), hidden);
        });
        Position += length;
        return attended.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override void Free() => _rows.Free();
}
