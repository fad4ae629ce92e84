using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N new tokens, T tokens so far, K head dim

/// <summary>What causal full attention remembers: the keys and values of all tokens so far. Memory and time a token O(T).</summary>
internal sealed class FullDecoderState : DecoderState
{
    // Scores of a piece of a long prompt, in elements.
    private const long PieceElements = 1 << 22;

    private readonly KeyValueRows _rows = new();

    /// <inheritdoc/>
    public override long CacheBytes => _rows.Bytes;

    /// <summary>Takes tokens up and attends to them and what came before, [G, N, K].</summary>
    public Tensor Step(Tensor query, Tensor key, Tensor value)
    {
        using var scope = NewDisposeScope();
        _rows.Append(key, value);
        long length = query.shape[1];
        var (keys, values) = (_rows.Keys, _rows.Values);
        long piece = Math.Clamp(PieceElements / (query.shape[0] * _rows.Count), 1, length);
        var attended = new List<Tensor>();
        for (long start = 0; start < length; start += piece)
        {
            using var inner = NewDisposeScope();
            long count = Math.Min(piece, length - start), seen = Position + start + count;
            var hidden = CachedAttention.Later(Position + start, count, 0, seen, query.device);
            attended.Add(CachedAttention.Attend(query.narrow(1, start, count), keys.narrow(1, 0, seen), values.narrow(1, 0, seen), hidden).MoveToOuterDisposeScope());
        }
        Position += length;
        return (attended.Count == 1 ? attended[0] : cat(attended, 1)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    private protected override void Free() => _rows.Free();
}
