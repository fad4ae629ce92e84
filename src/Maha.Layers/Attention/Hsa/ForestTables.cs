using System.Runtime.InteropServices;
using Maha.Layers.Trees;

namespace Maha.Layers.Attention;

// B documents, N rows per document, n nodes above the tokens

/// <summary>The trees of a batch as tables of Int32 for the kernels. The layouts are documented in <c>tree_call.cuh</c>.</summary>
internal sealed class ForestTables
{
    /// <summary>The number of rows and columns of a tile.</summary>
    public const int TileSize = 16;

    private readonly List<NodeRow> _nodes = [];

    /// <summary>Lays out the tables.</summary>
    /// <param name="documents">One tree per document; null for a document without tokens.</param>
    /// <param name="length">N.</param>
    /// <param name="form">The form; the optimal one has no tasks.</param>
    public ForestTables(IReadOnlyList<TokenHierarchy?> documents, int length, HierarchicalForm form)
    {
        Rows = checked(documents.Count * length);
        Depth = Math.Max(1, documents.Max(tree => tree?.Depth ?? 0));
        Documents = new int[documents.Count * Depth * 2];
        for (int level = 1; level <= Depth; level++)
        {
            for (int document = 0; document < documents.Count; document++)
            {
                int place = ((document * Depth) + level - 1) * 2;
                Documents[place] = _nodes.Count;
                if (documents[document] is { } tree && level <= tree.Depth)
                    AddLevel(tree, level, document * length, level == 1 ? 0 : Documents[place - 2]);
                Documents[place + 1] = _nodes.Count - Documents[place];
            }
            if (level == 1)
                LeafNodeCount = _nodes.Count;
        }

        AddTiles(documents, length);
        AddFamilies();
        if (form != HierarchicalForm.Optimal)
            AddTasks(form);
    }

    /// <summary>B * N.</summary>
    public int Rows { get; }

    /// <summary>The largest number of levels above the tokens, at least 1.</summary>
    public int Depth { get; }

    /// <summary>n.</summary>
    public int NodeCount => _nodes.Count;

    /// <summary>The number of nodes whose children are tokens.</summary>
    public int LeafNodeCount { get; }

    /// <summary>One structure <c>Node</c> per node.</summary>
    public ReadOnlySpan<int> Nodes => MemoryMarshal.Cast<NodeRow, int>(CollectionsMarshal.AsSpan(_nodes));

    /// <summary>[B, depth, 2].</summary>
    public int[] Documents { get; }

    /// <summary>[tiles, 4].</summary>
    public List<int> Tiles { get; } = [];

    /// <summary>[families, 4].</summary>
    public List<int> Families { get; } = [];

    /// <summary>[tasks, 4].</summary>
    public List<int> Tasks { get; } = [];

    /// <summary>[nodes, 2]; empty in the optimal form.</summary>
    public int[] NodeTasks { get; private set; } = [];

    // Nodes of a level of one document. Their children are tokens from a row on, or the nodes from firstBelow on.
    private void AddLevel(TokenHierarchy tree, int level, int firstRow, int firstBelow)
    {
        var starts = tree.Starts(level - 1);
        for (int i = 0; i + 1 < starts.Length; i++)
        {
            int count = starts[i + 1] - starts[i];
            int flags = (level * 4) + (i > 0 ? 1 : 0) + (i + 2 < starts.Length ? 2 : 0);
            if (level == 1)
            {
                _nodes.Add(new NodeRow(firstRow + starts[i], count, -1, count, flags, _nodes.Count, 1, 0));
                continue;
            }
            int first = firstBelow + starts[i], size = 0, leafCount = 0;
            for (int child = first; child < first + count; child++)
            {
                size += _nodes[child].Size;
                leafCount += _nodes[child].LeafCount;
                _nodes[child] = _nodes[child] with { Parent = _nodes.Count };
            }
            _nodes.Add(new NodeRow(first, count, -1, size, flags, _nodes[first].LeafFirst, leafCount, _nodes[first].FirstTile));
        }
    }

    private void AddTiles(IReadOnlyList<TokenHierarchy?> documents, int length)
    {
        for (int node = 0; node < LeafNodeCount; node++)
        {
            var row = _nodes[node];
            _nodes[node] = row with { FirstTile = Tiles.Count / 4 };
            for (int offset = 0; offset < row.Count; offset += TileSize)
                Tiles.AddRange([node, row.First + offset, Math.Min(TileSize, row.Count - offset), offset]);
        }
        for (int document = 0; document < documents.Count; document++)
        {
            for (int row = documents[document]?.Length ?? 0; row < length; row += TileSize)
                Tiles.AddRange([-1, (document * length) + row, Math.Min(TileSize, length - row), 0]);
        }
    }

    private void AddFamilies()
    {
        for (int node = LeafNodeCount; node < _nodes.Count; node++)
        {
            for (int offset = 0; offset < _nodes[node].Count; offset += TileSize)
                Families.AddRange([node, _nodes[node].First + offset, Math.Min(TileSize, _nodes[node].Count - offset), offset]);
        }
    }

    // The tiles of tokens that see a tile of siblings, in pieces: many enough to fill the device, and few enough that their sums stay small.
    private void AddTasks(HierarchicalForm form)
    {
        const int mostPieces = 64;
        int tiles = Tiles.Count / 4, smallest = Math.Clamp(tiles / 128, 4, 16);
        NodeTasks = new int[_nodes.Count * 2];
        for (int family = 0; family < Families.Count; family += 4)
        {
            var (parent, first, count) = (Families[family], Families[family + 1], Families[family + 2]);
            var above = _nodes[parent];
            bool joinsNext = form == HierarchicalForm.CausalOverlap && (above.Flags & 2) != 0;
            int begin = form == HierarchicalForm.KeyTied ? above.First : form == HierarchicalForm.Causal ? first + 1 : first + 2;
            int end = above.First + above.Count + (joinsNext ? _nodes[parent + 1].Count : 0);
            int task = Tasks.Count / 4;
            if (begin < end && above.Count > (form == HierarchicalForm.KeyTied ? 1 : 0))
            {
                int firstTile = FirstTile(begin), endTile = EndTile(end - 1);
                int piece = Math.Max(smallest, (endTile - firstTile + mostPieces - 1) / mostPieces);
                for (int at = firstTile; at < endTile; at += piece)
                    Tasks.AddRange([first, count, at, Math.Min(piece, endTile - at)]);
            }
            for (int node = first; node < first + count; node++)
                (NodeTasks[2 * node], NodeTasks[(2 * node) + 1]) = (task, (Tasks.Count / 4) - task);
        }
    }

    private int FirstTile(int node) => _nodes[_nodes[node].LeafFirst].FirstTile;

    private int EndTile(int node)
    {
        var last = _nodes[_nodes[node].LeafFirst + _nodes[node].LeafCount - 1];
        return last.FirstTile + ((last.Count + TileSize - 1) / TileSize);
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct NodeRow(int First, int Count, int Parent, int Size, int Flags, int LeafFirst, int LeafCount, int FirstTile);
}
