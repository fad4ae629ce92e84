using System.Runtime.InteropServices;
using Maha.Layers.Core;
using Maha.Layers.Trees;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

/// <summary>The tables of a batch's trees on a device, which all layers share.</summary>
/// <remarks>The last few batches are kept, so that only the first layer of a model lays out the trees and copies them.</remarks>
internal sealed class CudaForest
{
    private const int MaxKept = 16;
    private static readonly List<CudaForest> s_kept = []; // the last used first

    private readonly object _trees;
    private readonly int _branching;
    private readonly HierarchicalForm _form;
    private readonly int _length;
    private readonly Device _device;
    private readonly Tensor _tables;

    private CudaForest(object trees, int branching, IReadOnlyList<TokenHierarchy?> documents, int length, HierarchicalForm form, Device device)
    {
        (_trees, _branching, _length, _form, _device) = (trees, branching, length, form, device);
        var tables = new ForestTables(documents, length, form);
        var all = new List<int>();
        Call = new TreeCall
        {
            Rows = tables.Rows,
            Depth = tables.Depth,
            NodeCount = tables.NodeCount,
            LeafNodeCount = tables.LeafNodeCount,
            TileCount = tables.Tiles.Count / 4,
            FamilyCount = tables.Families.Count / 4,
            TaskCount = tables.Tasks.Count / 4,
            Form = (int)form,
            Nodes = Add(tables.Nodes),
            Tiles = Add(CollectionsMarshal.AsSpan(tables.Tiles)),
            Families = Add(CollectionsMarshal.AsSpan(tables.Families)),
            Documents = Add(tables.Documents),
            Tasks = Add(CollectionsMarshal.AsSpan(tables.Tasks)),
            NodeTasks = Add(tables.NodeTasks),
        };
        _tables = HostTensors.Create(all.ToArray(), [all.Count], device).DetachFromDisposeScope();

        // Offsets in bytes until the address is known. Structures of 16 bytes begin at multiples of 16.
        nint Add(ReadOnlySpan<int> table)
        {
            while (all.Count % 4 != 0)
                all.Add(0);
            nint offset = (nint)all.Count * sizeof(int);
            all.AddRange(table);
            return offset;
        }
    }

    private TreeCall Call { get; }

    /// <summary>Returns the tables of trees of blocks.</summary>
    public static CudaForest Blocks(int[] lengths, int branching, int length, HierarchicalForm form, Device device) =>
        Find(forest => forest._trees is int[] known && forest._branching == branching && known.AsSpan().SequenceEqual(lengths), length, form, device)
            ?? Keep(new CudaForest((int[])lengths.Clone(), branching, BlockTrees(lengths, branching), length, form, device));

    /// <summary>Returns the tables of the documents' own trees.</summary>
    /// <param name="documents">One tree per document; null for a document without tokens.</param>
    /// <param name="length">The number of rows per document.</param>
    /// <param name="form">The form.</param>
    /// <param name="device">The device.</param>
    public static CudaForest Documents(IReadOnlyList<TokenHierarchy?> documents, int length, HierarchicalForm form, Device device) =>
        Find(forest => forest._trees is TokenHierarchy?[] known && known.AsSpan().SequenceEqual(documents.ToArray()), length, form, device)
            ?? Keep(new CudaForest(documents.ToArray(), 0, documents, length, form, device));

    /// <summary>A call with the addresses and numbers of the tables.</summary>
    /// <param name="addressOf">Returns the address of a tensor on its device.</param>
    public TreeCall NewCall(Func<Tensor, nint> addressOf)
    {
        var call = Call;
        nint address = addressOf(_tables);
        call.Nodes += address;
        call.Tiles += address;
        call.Families += address;
        call.Documents += address;
        call.Tasks += address;
        call.NodeTasks += address;
        return call;
    }

    private static TokenHierarchy?[] BlockTrees(int[] lengths, int branching)
    {
        var trees = lengths.Distinct().Where(length => length > 0).ToDictionary(length => length, length => TokenHierarchy.Blocks(length, branching));
        return [.. lengths.Select(trees.GetValueOrDefault)];
    }

    private static CudaForest? Find(Predicate<CudaForest> hasTrees, int length, HierarchicalForm form, Device device)
    {
        lock (s_kept)
        {
            int place = s_kept.FindIndex(forest => forest._length == length && forest._form == form
                && forest._device.type == device.type && forest._device.index == device.index && hasTrees(forest));
            if (place < 0)
                return null;
            var found = s_kept[place];
            s_kept.RemoveAt(place);
            s_kept.Insert(0, found);
            return found;
        }
    }

    // The tensor of a forest that is dropped is freed when no thread uses it anymore.
    private static CudaForest Keep(CudaForest forest)
    {
        lock (s_kept)
        {
            s_kept.Insert(0, forest);
            if (s_kept.Count > MaxKept)
                s_kept.RemoveAt(MaxKept);
        }
        return forest;
    }
}
