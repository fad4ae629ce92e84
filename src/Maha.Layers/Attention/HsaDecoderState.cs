using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, S places of the cache, K head dim, b branching

/// <summary>What a causal hierarchical layer remembers of the tokens so far: at every level of the tree the mean keys and values of the nodes that stand open.</summary>
/// <remarks>
/// A token is a place of level 0. When b nodes of a level are complete, their mean becomes one place of the next level. The places hold all that the next token
/// may see: O(b log N) of them, and as much time a token.
/// </remarks>
public sealed partial class HsaDecoderState : DecoderState
{
    private readonly int _branching;
    private readonly bool _overlap;
    private readonly List<int> _counts = []; // nodes of the open family of each level
    private readonly List<int> _halves = []; // with overlap: which half of a level's places holds the open family; the other holds the family before
    private Tensor? _keys; // [G, S, K]
    private Tensor? _values; // [G, S, K]
    private Tensor? _bias; // [S]: the logarithm of the tokens below a node, minus infinity where nothing is seen

    internal HsaDecoderState(int branching, bool overlap)
    {
        (_branching, _overlap) = (branching, overlap);
    }

    /// <inheritdoc/>
    public override long CacheBytes => BytesOf(_keys) + BytesOf(_values) + BytesOf(_bias);

    private int PlacesPerLevel => _overlap ? 2 * _branching : _branching;

    /// <summary>How many tokens may be taken up at a time: until the open family of tokens is complete, all of them see the same nodes besides each other.</summary>
    internal int Room => _counts.Count == 0 ? _branching : _branching - _counts[0];

    /// <summary>Takes tokens up and attends to them and what came before.</summary>
    /// <param name="query">[G, N, K] with N at most <see cref="Room"/>.</param>
    /// <param name="key">[G, N, K].</param>
    /// <param name="value">[G, N, K].</param>
    /// <param name="scale">The factor of the logits.</param>
    /// <returns>[G, N, K].</returns>
    internal Tensor Step(Tensor query, Tensor key, Tensor value, double scale)
    {
        if (_keys is not null)
            SameSequences(_keys, key);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        long length = key.shape[1];
        Append(0, key, value);
        var logits = (query * scale).matmul(_keys!.transpose(1, 2)) + _bias!; // [G, N, S]
        if (length > 1)
        {
            // Tokens of the same piece that come later.
            long first = First(0) + _counts[0] - length;
            var later = ones([length, length], ScalarType.Bool, key.device).triu(1);
            logits.narrow(2, first, length).masked_fill_(later, double.NegativeInfinity);
        }
        var output = logits.softmax(-1).matmul(_values!); // [G, N, K]
        Position += length;
        for (int level = 0; _counts[level] == _branching; level++)
            Close(level);
        return output.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    private protected override void Free()
    {
        _keys?.Dispose();
        _values?.Dispose();
        _bias?.Dispose();
    }

    // Puts nodes into the next places of their level.
    private void Append(int level, Tensor key, Tensor value)
    {
        if (level == _counts.Count)
            Grow(key, value);
        long place = First(level) + _counts[level], nodes = key.shape[1];
        _counts[level] += (int)nodes;
        _keys!.narrow(1, place, nodes).copy_(key);
        _values!.narrow(1, place, nodes).copy_(value);
        bool seen = level == 0 || !_overlap;
        if (seen)
            _bias!.narrow(0, place, nodes).fill_(level * Math.Log(_branching));
    }

    // The open family becomes one node of the level above.
    private void Close(int level)
    {
        long first = First(level);
        Append(level + 1, _keys!.narrow(1, first, _branching).mean([1], keepdim: true), _values!.narrow(1, first, _branching).mean([1], keepdim: true));
        if (_overlap)
            ShowBefore(level + 1);
        _counts[level] = 0;
        _halves[level] = _overlap ? 1 - _halves[level] : 0;
        _bias!.narrow(0, First(level), _branching).fill_(double.NegativeInfinity);
    }

    // With overlap the newest node of a level is seen as its children, and the one before it begins to be seen itself.
    private void ShowBefore(int level)
    {
        int count = _counts[level];
        long place = count >= 2 ? First(level) + count - 2 : FirstBefore(level) + _branching - 1;
        bool exists = count >= 2 || Position > (long)Math.Pow(_branching, level);
        if (exists)
            _bias!.narrow(0, place, 1).fill_(level * Math.Log(_branching));
    }

    // The first place of a level's open family.
    private long First(int level) => ((long)level * PlacesPerLevel) + (_halves[level] * _branching);

    private long FirstBefore(int level) => ((long)level * PlacesPerLevel) + ((1 - _halves[level]) * _branching);

    // One level more, nothing in it.
    private void Grow(Tensor key, Tensor value)
    {
        _counts.Add(0);
        _halves.Add(0);
        _keys = Longer(_keys, zeros([key.shape[0], PlacesPerLevel, key.shape[2]], key.dtype, key.device), 1);
        _values = Longer(_values, zeros([value.shape[0], PlacesPerLevel, value.shape[2]], value.dtype, value.device), 1);
        _bias = Longer(_bias, full([PlacesPerLevel], double.NegativeInfinity, key.dtype, key.device), 0);
    }

    // The cache outlives the step's scope.
    private static Tensor Longer(Tensor? cache, Tensor more, long dimension)
    {
        var longer = cache is null ? more : cat([cache, more], dimension);
        cache?.Dispose();
        return longer.DetachFromDisposeScope();
    }
}
