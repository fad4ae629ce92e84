using Maha.Layers.Core;
using Maha.Layers.Trees;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N tokens, n nodes of a level, M families of a level, b children of a family, R roots

/// <summary>The trees of a batch, level by level, in the order in which hierarchical attention walks them.</summary>
/// <remarks>
/// A family is the children of one node. The regular form has one tree of blocks for all documents of the batch, so that the families of a level are a view.
/// The packed form concatenates the documents' own trees to a forest over the tokens of all documents: families are gathered and padded to the largest of the
/// level.
/// </remarks>
internal sealed class HierarchyLayout
{
    private readonly int[][]? _starts; // packed: the first child of each node, per level

    private HierarchyLayout(IReadOnlyList<int> treeLengths, int[] branching, int[][]? starts)
    {
        TreeLengths = treeLengths;
        Branching = branching;
        _starts = starts;
    }

    /// <summary>N, the number of tokens in one row of the operands.</summary>
    public int Length => TreeLengths.Sum();

    /// <summary>R: 1 in the regular form, the number of documents in the packed form.</summary>
    public int Roots => TreeLengths.Count;

    /// <summary>The number of tokens of every tree: R numbers whose sum is N.</summary>
    public IReadOnlyList<int> TreeLengths { get; }

    /// <summary>The number of children of a family at every level, from the tokens up; of the largest family in the packed form.</summary>
    public IReadOnlyList<int> Branching { get; }

    /// <summary>Returns a tree of blocks with a fixed number of parts.</summary>
    /// <remarks>The last family of a level may be padded. The root's family holds the nodes that are left.</remarks>
    public static HierarchyLayout Blocks(int length, int branching)
    {
        var levels = new List<int>();
        int count = length;
        for (; count > branching; count = (count + branching - 1) / branching)
            levels.Add(branching);
        levels.Add(count);
        return new HierarchyLayout([length], [.. levels], null);
    }

    /// <summary>Returns a tree with families of the given sizes, from the tokens up. The last size must hold all nodes of its level.</summary>
    public static HierarchyLayout Regular(int length, IReadOnlyList<int> branching)
    {
        long nodes = length;
        foreach (int size in branching)
        {
            TensorChecks.InRange(size, 1, int.MaxValue, nameof(branching), "A family has at least one child.");
            nodes = (nodes + size - 1) / size;
        }
        if (nodes != 1)
        {
            throw new ArgumentException(
                $"Branching must lead from {length} tokens to one root, but [{string.Join(", ", branching)}] leaves {nodes} nodes. Add a level.",
                nameof(branching));
        }
        return new HierarchyLayout([length], [.. branching], null);
    }

    /// <summary>Returns one tree per document, with the tokens of all documents concatenated.</summary>
    public static HierarchyLayout Packed(IReadOnlyList<TokenHierarchy> documents)
    {
        int depth = documents.Max(document => document.Depth);
        int[][] starts = new int[depth][];
        for (int level = 0; level < depth; level++)
        {
            var all = new List<int> { 0 };
            foreach (var document in documents)
            {
                int offset = all[^1];
                if (level >= document.Depth)
                    all.Add(offset + 1); // one node above the root, so that all trees are equally deep
                else
                    all.AddRange(document.Starts(level)[1..].ToArray().Select(start => start + offset));
            }
            starts[level] = [.. all];
        }
        int[] branching = [.. starts.Select(level => Enumerable.Range(0, level.Length - 1).Max(j => level[j + 1] - level[j]))];
        return new HierarchyLayout([.. documents.Select(document => document.Length)], branching, starts);
    }

    /// <summary>Returns the levels on a device, from the tokens up. Their tensors belong to the current dispose scope.</summary>
    public HierarchyLevel[] Bind(Device device)
    {
        var levels = new HierarchyLevel[Branching.Count];
        if (_starts is not null)
        {
            int[] leafStarts = [.. Enumerable.Range(0, Length + 1)]; // the first token of each node of the level below
            int[] documents = [.. Enumerable.Range(0, Roots)];
            int[][] owners = new int[levels.Length][]; // the document of every family
            for (int level = levels.Length - 1; level >= 0; level--)
            {
                owners[level] = documents;
                int[] starts = _starts[level];
                documents = [.. Enumerable.Range(0, starts.Length - 1).SelectMany(j => Enumerable.Repeat(owners[level][j], starts[j + 1] - starts[j]))];
            }
            for (int level = 0; level < levels.Length; level++)
            {
                levels[level] = new PackedLevel(_starts[level], leafStarts, owners[level], device);
                leafStarts = [.. _starts[level].Select(start => leafStarts[start])];
            }
            return levels;
        }
        int nodes = Length;
        long cell = 1;
        for (int level = 0; level < levels.Length; level++)
        {
            levels[level] = new RegularLevel(nodes, Branching[level], cell, Length, device);
            nodes = levels[level].Families;
            cell *= Branching[level];
        }
        return levels;
    }
}
