using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N tokens, K head dim, b branching

public sealed partial class HsaDecoderState
{
    /// <summary>Takes the first tokens up at once: the state is then as after <see cref="Step"/> for each.</summary>
    /// <param name="keys">[G, N, K].</param>
    /// <param name="values">[G, N, K].</param>
    internal void Fill(Tensor keys, Tensor values)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        Position = keys.shape[1];
        for (int level = 0; keys.shape[1] > 0; level++)
        {
            Grow(keys, values);
            FillLevel(level, keys, values);
            long whole = keys.shape[1] / _branching;
            (keys, values) = (Mean(keys, whole), Mean(values, whole));
        }
    }

    // The nodes of a level: those of the open family, with overlap those of the family before it too.
    private void FillLevel(int level, Tensor keys, Tensor values)
    {
        long nodes = keys.shape[1], families = nodes / _branching, first = families * _branching, open = nodes - first;
        _counts[level] = (int)open;
        Put(First(level), first, open);
        if (!_overlap)
        {
            Show(First(level), open);
            return;
        }
        long before = families > 0 ? _branching : 0;
        Put(FirstBefore(level), first - before, before);

        // The newest node of a higher level is seen as its children, so not itself.
        long hidden = level == 0 ? 0 : 1;
        Show(FirstBefore(level), open == 0 ? Math.Max(0, before - hidden) : before);
        Show(First(level), Math.Max(0, open - hidden));

        void Put(long place, long node, long count)
        {
            if (count == 0)
                return;
            _keys!.narrow(1, place, count).copy_(keys.narrow(1, node, count));
            _values!.narrow(1, place, count).copy_(values.narrow(1, node, count));
        }

        void Show(long place, long count)
        {
            if (count > 0)
                _bias!.narrow(0, place, count).fill_(level * Math.Log(_branching));
        }
    }

    // Complete families as their means, [G, families, K].
    private Tensor Mean(Tensor nodes, long families) =>
        nodes.narrow(1, 0, families * _branching).reshape(nodes.shape[0], families, _branching, nodes.shape[2]).mean([2]);
}
