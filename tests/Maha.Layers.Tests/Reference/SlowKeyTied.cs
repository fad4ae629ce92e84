using Maha.Layers.Attention;
using Maha.Layers.Trees;


namespace Maha.Layers.Tests.Reference;

/// <summary>The attention weights of the key-tied forms, computed row by row from the nodes that the row attends to.</summary>
internal static class SlowKeyTied
{
    public static double[][] Theta(TreeProblem problem, HierarchicalForm form, bool selfAttend) =>
        [.. Enumerable.Range(0, problem.Length)
            .Select(i => problem.Real[i] ? Row(problem, Partition(problem, i, form, selfAttend), i) : new double[problem.Length])];

    /// <summary>Returns the nodes that a row attends to, as spans of tokens.</summary>
    public static List<(int Start, int End)> Partition(TreeProblem problem, int row, HierarchicalForm form, bool selfAttend)
    {
        var seen = form == HierarchicalForm.CausalOverlap
            ? Overlapping(TokenHierarchy.FromTree(problem.Root), row) : Siblings(problem.Root, row, form == HierarchicalForm.Causal);
        if (selfAttend)
            seen.Add((row, row + 1));
        return seen;
    }

    private static List<(int, int)> Siblings(HierarchyNode node, int row, bool left) =>
        [.. node.Children.SelectMany(child => child.Start <= row && row < child.End
            ? Siblings(child, row, left)
            : new List<(int, int)>(!left || child.End <= row ? [(child.Start, child.End)] : []))];

    // Level 0: tokens from the previous block on. Level l: nodes from the previous block on, up to two before the row's own node.
    private static List<(int, int)> Overlapping(TokenHierarchy tree, int row)
    {
        var seen = new List<(int, int)>();
        int own = row;
        for (int level = 0; level < tree.Depth; level++)
        {
            int parent = Enumerable.Range(0, tree.Count(level + 1)).First(node => tree.Children(level + 1, node).End > own);
            int first = tree.Children(level + 1, Math.Max(0, parent - 1)).Start, last = level == 0 ? own - 1 : own - 2;
            for (int node = first; node <= last; node++)
                seen.Add(Span(tree, level, node));
            own = parent;
        }
        return seen;
    }

    private static (int, int) Span(TokenHierarchy tree, int level, int node)
    {
        var (start, end) = (node, node + 1);
        for (; level > 0; level--)
            (start, end) = (tree.Children(level, start).Start, tree.Children(level, end - 1).End);
        return (start, end);
    }

    private static double[] Row(TreeProblem problem, List<(int Start, int End)> partition, int row)
    {
        double[] theta = new double[problem.Length];
        double total = 0;
        foreach (var (start, end) in partition)
        {
            int[] tokens = [.. Enumerable.Range(start, end - start).Where(token => problem.Real[token])];
            foreach (int token in tokens)
                total += theta[token] = Math.Exp(tokens.Average(other => problem.Logit(row, other)));
        }
        return [.. theta.Select(weight => total == 0 ? 0 : weight / total)];
    }
}
