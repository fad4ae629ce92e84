using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N new tokens, w window, g global tokens, K head dim

/// <summary>The cache of causal sliding-window attention: the keys and values of the last w tokens and of the first g.</summary>
/// <remarks>Memory O(w + g) for any length.</remarks>
internal sealed class WindowDecoderState(int window, int globalTokens) : DecoderState
{
    private readonly KeyValueRows _recent = new();
    private readonly KeyValueRows _global = new();

    /// <inheritdoc/>
    public override long CacheBytes => _recent.Bytes + _global.Bytes;

    /// <summary>Appends tokens and returns their attention to themselves, the w tokens before each and the first g, [G, N, K].</summary>
    public Tensor Step(Tensor query, Tensor key, Tensor value) =>
        SequenceChunks.Apply(query.shape[1], window, (start, count) =>
            StepChunk(query.narrow(1, start, count), key.narrow(1, start, count), value.narrow(1, start, count)));

    /// <inheritdoc/>
    protected override void Free()
    {
        _recent.Free();
        _global.Free();
    }

    // Takes at most w tokens, so that the keys in view are at most 2w + g.
    private Tensor StepChunk(Tensor query, Tensor key, Tensor value)
    {
        long count = query.shape[1];
        long first = Position - _recent.Count; // the first token of the recent ones
        _recent.Append(key, value);
        long more = Math.Clamp(globalTokens - Position, 0, count);
        if (more > 0)
            _global.Append(key.narrow(1, 0, more), value.narrow(1, 0, more));
        var (keys, values) = (_recent.Keys, _recent.Values);
        var hidden = Hidden(count, first, query.device);

        // Global tokens among the recent ones must not be seen twice.
        long apart = Math.Min(_global.Count, first);
        if (apart > 0)
        {
            keys = cat([_global.Keys.narrow(1, 0, apart), keys], 1);
            values = cat([_global.Values.narrow(1, 0, apart), values], 1);
            if (hidden is not null)
                hidden = cat([zeros([count, apart], ScalarType.Bool, query.device), hidden], 1);
        }
        var attended = CachedAttention.Attend(query, keys, values, hidden);
        Position += count;
        _recent.DropFirst(Math.Max(0, _recent.Count - window));
        return attended;
    }

    // The mask of the new tokens over the recent ones, [N, T]; null if all are in view.
    private Tensor? Hidden(long count, long first, Device device)
    {
        // One token sees itself and the w tokens before it.
        if (count == 1 && _recent.Count <= window + 1)
            return null;
        var own = (arange(count, dtype: ScalarType.Int64, device: device) + Position).unsqueeze(-1); // [N, 1]
        var near = arange(_recent.Count, dtype: ScalarType.Int64, device: device) + first; // [T]
        var far = (own - near).gt(window).logical_and(near.ge(globalTokens)); // [N, T]
        return near.gt(own).logical_or(far);
    }
}
