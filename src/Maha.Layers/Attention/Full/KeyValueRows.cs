using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, T rows, K head dim

/// <summary>Keys and values in the order of their tokens; room grows by doubling, old rows can be let go.</summary>
internal sealed class KeyValueRows
{
    // Few enough that a short sequence stays small.
    private const long LeastRoom = 16;

    private Tensor? _keys; // [G, room, K]
    private Tensor? _values; // [G, room, K]

    /// <summary>Rows kept.</summary>
    public long Count { get; private set; }

    /// <summary>The size of both tensors in bytes.</summary>
    public long Bytes => _keys is null ? 0 : 2 * _keys.numel() * _keys.ElementSize;

    /// <summary>The keys, [G, T, K], a view; the scope around the call frees it.</summary>
    public Tensor Keys => _keys!.narrow(1, 0, Count);

    /// <summary>The values, [G, T, K], a view.</summary>
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
            long room = Math.Max(Math.Max(LeastRoom, Count + more), 2 * Count);
            (_keys, _values) = (Moved(_keys, keys, room), Moved(_values, values, room));
        }
        _keys.narrow(1, Count, more).copy_(keys);
        _values!.narrow(1, Count, more).copy_(values);
        Count += more;
    }

    /// <summary>Lets the first rows go.</summary>
    public void DropFirst(long rows)
    {
        if (rows == 0)
            return;
        using var scope = NewDisposeScope();
        long left = Count - rows;
        if (left > 0)
        {
            // Copies first: the places overlap.
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
    private Tensor Moved(Tensor? rows, Tensor like, long room)
    {
        var moved = zeros([like.shape[0], room, like.shape[2]], like.dtype, like.device);
        if (rows is not null)
        {
            moved.narrow(1, 0, Count).copy_(rows.narrow(1, 0, Count));
            rows.Dispose();
        }
        return moved.DetachFromDisposeScope();
    }
}
