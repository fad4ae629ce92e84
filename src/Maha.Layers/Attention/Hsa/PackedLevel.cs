using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N tokens, n nodes, M families, b children of the largest family, r tokens under the largest family

/// <summary>A level of families of any size: grouping gathers, padded to the largest family of the level.</summary>
internal sealed class PackedLevel : HierarchyLevel
{
    private readonly Slots _nodes;
    private readonly Slots _tokens;

    /// <summary>Builds the indices.</summary>
    /// <param name="starts">The first node under each family, and the number of nodes.</param>
    /// <param name="tokenStarts">The first token under each node, and N.</param>
    /// <param name="owners">The document of each family.</param>
    /// <param name="device">The device of the indices.</param>
    public PackedLevel(int[] starts, int[] tokenStarts, int[] owners, Device device)
        : base(starts.Length - 1, Largest(starts))
    {
        int[] tokensOfFamilies = [.. starts.Select(start => tokenStarts[start])];
        _nodes = new Slots(starts, device);
        _tokens = new Slots(tokensOfFamilies, device);
        int most = Largest(tokensOfFamilies);
        long[] child = new long[Families * most];
        long[] before = new long[Families];
        for (int family = 0; family < Families; family++)
        {
            for (int node = starts[family]; node < starts[family + 1]; node++)
            {
                int first = tokenStarts[node] - tokensOfFamilies[family];
                Array.Fill(child, node - starts[family], (family * most) + first, tokenStarts[node + 1] - tokenStarts[node]);
            }
            before[family] = family > 0 && owners[family] == owners[family - 1] ? starts[family] - starts[family - 1] : 0;
        }
        ChildOfToken = tensor(child, [Families, most, 1], device: device);
        ChildrenBefore = tensor(before, [Families, 1, 1], device: device);
    }

    public override Tensor ChildOfToken { get; }

    public override Tensor ChildrenBefore { get; }

    public override Tensor Group(Tensor nodes) => _nodes.Gather(nodes);

    public override Tensor Ungroup(Tensor families) => _nodes.Scatter(families);

    public override Tensor GroupTokens(Tensor tokens) => _tokens.Gather(tokens);

    public override Tensor UngroupTokens(Tensor families) => _tokens.Scatter(families);

    private static int Largest(int[] starts) => Enumerable.Range(0, starts.Length - 1).Max(j => starts[j + 1] - starts[j]);

    // Families of any size, each in as many slots as the largest has rows.
    private sealed class Slots
    {
        private readonly Tensor _rows; // [M * b]: the row in each slot; the row after the last in empty slots
        private readonly Tensor _slots; // [n]: the slot of each row
        private readonly int _families;
        private readonly int _size;

        public Slots(int[] starts, Device device)
        {
            _families = starts.Length - 1;
            _size = Largest(starts);
            long[] rows = new long[_families * _size];
            long[] slots = new long[starts[^1]];
            Array.Fill(rows, starts[^1]);
            for (int family = 0; family < _families; family++)
            {
                for (int row = starts[family]; row < starts[family + 1]; row++)
                {
                    int slot = (family * _size) + row - starts[family];
                    rows[slot] = row;
                    slots[row] = slot;
                }
            }
            _rows = tensor(rows, device: device);
            _slots = tensor(slots, device: device);
        }

        public Tensor Gather(Tensor rows)
        {
            long[] padding = new long[2 * (rows.dim() - 1)];
            padding[^1] = 1; // one row of zeros after the last
            return nn.functional.pad(rows, padding).index_select(1, _rows).unflatten(1, _families, _size);
        }

        public Tensor Scatter(Tensor families) => families.flatten(1, 2).index_select(1, _slots);
    }
}
