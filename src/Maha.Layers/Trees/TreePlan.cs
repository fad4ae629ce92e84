using Maha.Layers.Kernels;

namespace Maha.Layers.Trees;

// n_l nodes of level l; a family is the children of one node

/// <summary>A document's tree in the form that the kernels use: plain arrays, and the place of each family's logits in scratch memory.</summary>
internal sealed class TreePlan
{
    /// <summary>Computes the arrays of a tree.</summary>
    public TreePlan(TokenHierarchy tree)
    {
        Length = tree.Length;
        Depth = tree.Depth;
        Starts = new int[Depth][];
        Parents = new int[Depth][];
        Sizes = new int[Depth][];
        LogSizes = new float[Depth][];
        FirstNode = new int[Depth + 1];
        WeightStart = new long[Depth][];
        int[] tokenStarts = [.. Enumerable.Range(0, Length + 1)]; // the first token of each node of the level
        for (int level = 0; level < Depth; level++)
        {
            int[] starts = tree.Starts(level).ToArray();
            int[] sizes = new int[tree.Count(level)];
            int[] parents = new int[tree.Count(level)];
            long[] weightStart = new long[starts.Length - 1];
            for (int family = 0; family < starts.Length - 1; family++)
            {
                int count = starts[family + 1] - starts[family];
                weightStart[family] = Weights;
                Weights += (long)MicroTile.PaddedRows(count) * MicroTile.PaddedColumns(count);
                LargestFamily = Math.Max(LargestFamily, count);
                for (int node = starts[family]; node < starts[family + 1]; node++)
                    (sizes[node], parents[node]) = (tokenStarts[node + 1] - tokenStarts[node], family);
            }
            (Starts[level], Sizes[level], Parents[level], WeightStart[level]) = (starts, sizes, parents, weightStart);
            LogSizes[level] = Array.ConvertAll(sizes, size => MathF.Log(size));
            FirstNode[level + 1] = level == 0 ? 0 : FirstNode[level] + sizes.Length;
            tokenStarts = [.. starts.Select(start => tokenStarts[start])];
        }
        Nodes = FirstNode[Depth] + 1;
    }

    /// <summary>N.</summary>
    public int Length { get; }

    /// <summary>The number of levels above the tokens.</summary>
    public int Depth { get; }

    /// <summary>Per level, the first of its nodes under each node of the level above, and n_l at the end.</summary>
    public int[][] Starts { get; }

    /// <summary>Per level, the family of each node.</summary>
    public int[][] Parents { get; }

    /// <summary>Per level, the number of tokens under each node.</summary>
    public int[][] Sizes { get; }

    /// <summary>Per level, the logarithms of the sizes.</summary>
    public float[][] LogSizes { get; }

    /// <summary>Per level from 1 on, the index of its first node among all nodes above the tokens.</summary>
    public int[] FirstNode { get; }

    /// <summary>The number of nodes above the tokens, including the root.</summary>
    public int Nodes { get; }

    /// <summary>Per level and family, the start of its padded square of logits.</summary>
    public long[][] WeightStart { get; }

    /// <summary>The number of elements of all squares of logits.</summary>
    public long Weights { get; }

    /// <summary>The largest number of children of a node.</summary>
    public int LargestFamily { get; }

    /// <summary>The number of tokens under a family, that is, under its node of the level above.</summary>
    public int FamilySize(int level, int family) => level + 1 < Depth ? Sizes[level + 1][family] : Length;

    /// <summary>The index of a family's node of the level above among all nodes above the tokens.</summary>
    public int FamilyNode(int level, int family) => FirstNode[level + 1] + family;
}
