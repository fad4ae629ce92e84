using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N new tokens, w window, K head dim

/// <summary>The keys and values that the next token of one scale can see: at most 2w rows.</summary>
/// <remarks>The rows are those of the token's own block of w tokens and of the block before.</remarks>
internal sealed class BlockWindowCache(int window)
{
    private readonly KeyValueRows _rows = new();

    /// <summary>The number of tokens consumed.</summary>
    public long Position { get; private set; }

    /// <summary>The size in bytes.</summary>
    public long Bytes => _rows.Bytes;

    /// <summary>Appends tokens and returns their attention to themselves and to the earlier tokens in view, [G, N, K].</summary>
    public Tensor Step(Tensor query, Tensor key, Tensor value)
    {
        // A chunk ends where its block ends, so that all of its tokens see the same block before.
        return SequenceChunks.Apply(query.shape[1], _ => (((Position / window) + 1) * window) - Position, (start, count) =>
        {
            long first = Math.Max(0, (Position / window) - 1) * window;
            _rows.DropFirst(first - (Position - _rows.Count)); // at a block's first token, the block that is out of view now
            _rows.Append(key.narrow(1, start, count), value.narrow(1, start, count));
            var later = CachedAttention.Later(Position, count, first, _rows.Count, query.device);
            var attended = CachedAttention.Attend(query.narrow(1, start, count), _rows.Keys, _rows.Values, later);
            Position += count;
            return attended;
        });
    }

    /// <summary>Frees the rows.</summary>
    public void Free() => _rows.Free();
}
