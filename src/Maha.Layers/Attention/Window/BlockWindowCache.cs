using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N new tokens, w window, K head dim

/// <summary>The keys and values that the next token of one scale may see: those of its own block of w tokens and of the block before. At most 2w rows.</summary>
internal sealed class BlockWindowCache(int window)
{
    private readonly KeyValueRows _rows = new();

    /// <summary>The number of tokens taken up.</summary>
    public long Position { get; private set; }

    /// <summary>The size in bytes.</summary>
    public long Bytes => _rows.Bytes;

    /// <summary>Takes tokens up and attends to them and what they see before them, [G, N, K].</summary>
    public Tensor Step(Tensor query, Tensor key, Tensor value)
    {
        using var scope = NewDisposeScope();
        long length = query.shape[1];
        var attended = new List<Tensor>();
        for (long start = 0, count; start < length; start += count)
        {
            using var inner = NewDisposeScope();
            long block = Position / window, first = Math.Max(0, block - 1) * window;
            _rows.DropFirst(first - (Position - _rows.Count)); // the block before the last one, at a block's first token
            count = Math.Min(((block + 1) * window) - Position, length - start);
            _rows.Append(key.narrow(1, start, count), value.narrow(1, start, count));
            var later = CachedAttention.Later(Position, count, first, _rows.Count, query.device);
            attended.Add(CachedAttention.Attend(query.narrow(1, start, count), _rows.Keys, _rows.Values, later).MoveToOuterDisposeScope());
            Position += count;
        }
        return (attended.Count == 1 ? attended[0] : cat(attended, 1)).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the rows.</summary>
    public void Free() => _rows.Free();
}
