using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, T rows, K head dim

/// <summary>Keys and values in the order of their tokens. The capacity grows by doubling, and old rows can be dropped.</summary>
internal sealed class KeyValueRows
{
    // Small, so that a short sequence needs little memory.
    private const long MinCapacity = 16;

    private Tensor? _keys; // [G, capacity, K]
    private Tensor? _values; // [G, capacity, K]

    /// <summary>T, the number of rows.</summary>
    public long Count { get; private set; }

    /// <summary>The size of both tensors in bytes.</summary>
    public long Bytes => _keys is null ? 0 : 2 * _keys.numel() * _keys.ElementSize;

    /// <summary>The keys, [G, T, K], a view that belongs to the current dispose scope.</summary>
    public Tensor Keys => _keys!.narrow(1, 0, Count);

    /// <summary>The values, [G, T, K], a view that belongs to the current dispose scope.</summary>
    public Tensor Values => _values!.narrow(1, 0, Count);

    /// <summary>Adds rows [G, N, K] at the end.</summary>
    public void Append(Tensor keys, Tensor values)
    {
        using var scope = NewDisposeScope();
        if (_keys is not null)
            DecoderState.SameSequences(_keys, keys);
        long more = keys.shape[1];
        if (_keys is null || Count + more > _keys.shape[1])
        {
            long capacity = Math.Max(Math.Max(MinCapacity, Count + more), 2 * Count);
            (_keys, _values) = (Grown(_keys, keys, capacity), Grown(_values, values, capacity));
        }
        _keys.narrow(1, Count, more).copy_(keys);
        _values!.narrow(1, Count, more).copy_(values);
        Count += more;
    }

    /// <summary>Drops the first rows.</summary>
    public void DropFirst(long rows)
    {
        if (rows == 0)
            return;
        using var scope = NewDisposeScope();
        long left = Count - rows;
        if (left > 0)
        {
            // Copies first: source and target overlap.
            _keys!.narrow(1, 0, left).copy_(_keys.narrow(1, rows, left).clone());
            _values!.narrow(1, 0, left).copy_(_values.narrow(1, rows, left).clone());
        }
        Count = left;
    }

    /// <summary>Frees the rows.</summary>
    public void Free()
    {
        _keys?.Dispose();
        _values?.Dispose();
    }

    // The cache outlives the step's scope.
    private Tensor Grown(Tensor? rows, Tensor like, long capacity)
    {
        var grown = zeros([like.shape[0], capacity, like.shape[2]], like.dtype, like.device);
        if (rows is not null)
        {
            grown.narrow(1, 0, Count).copy_(rows.narrow(1, 0, Count));
            rows.Dispose();
        }
        return grown.DetachFromDisposeScope();
    }
}
