using Maha.Layers.Trees;

namespace Maha.Layers.Attention;

// N tokens, b tokens of a family, c columns

/// <summary>The nodes that the tokens of one lowest family see in the key-tied forms: its own tokens, then nodes of the levels above.</summary>
internal readonly ref struct KeyTiedColumns(TreePlan plan, HierarchicalForm form, Span<int> levels, Span<int> nodes)
{
    private readonly Span<int> _levels = levels;
    private readonly Span<int> _nodes = nodes;

    /// <summary>The largest number of columns that a family can have.</summary>
    public static int MaxCount(TreePlan plan, HierarchicalForm form)
    {
        int sum = 0;
        for (int level = 0; level < plan.Depth; level++)
        {
            int[] starts = plan.Starts[level];
            int largest = 0;
            for (int family = 0; family < starts.Length - 1; family++)
                largest = Math.Max(largest, starts[family + 1] - starts[family]);
            sum += form == HierarchicalForm.CausalOverlap ? 2 * largest : largest;
        }
        return sum;
    }

    /// <summary>Lists the columns of a family and returns their number.</summary>
    public int List(int family)
    {
        int count = 0, own = family;
        for (int token = plan.Starts[0][family]; token < plan.Starts[0][family + 1]; token++)
            Add(0, token, ref count);
        bool overlap = form == HierarchicalForm.CausalOverlap;
        if (overlap && family > 0)
        {
            for (int token = plan.Starts[0][family - 1]; token < plan.Starts[0][family]; token++)
                Add(0, token, ref count);
        }
        for (int level = 1; level < plan.Depth; level++)
        {
            int parent = plan.Parents[level][own];
            int first = plan.Starts[level][overlap ? Math.Max(0, parent - 1) : parent];

            // With overlap the node just before the own one is seen as its children, at the level below.
            int last = form == HierarchicalForm.KeyTied ? plan.Starts[level][parent + 1] - 1 : overlap ? own - 2 : own - 1;
            for (int node = first; node <= last; node++)
            {
                if (node != own)
                    Add(level, node, ref count);
            }
            own = parent;
        }
        return count;
    }

    /// <summary>Returns the number of columns from <paramref name="first"/> on whose rows are consecutive.</summary>
    public static int RunLength(ReadOnlySpan<int> levels, ReadOnlySpan<int> nodes, int first)
    {
        int end = first + 1;
        while (end < levels.Length && levels[end] == levels[first] && nodes[end] == nodes[end - 1] + 1)
            end++;
        return end - first;
    }

    private void Add(int level, int node, ref int count)
    {
        (_levels[count], _nodes[count]) = (level, node);
        count++;
    }
}
