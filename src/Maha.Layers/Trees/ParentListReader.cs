using Maha.Layers.Core;

namespace Maha.Layers.Trees;

/// <summary>Converts a tree that is given by the parent of each node into nested spans.</summary>
internal static class ParentListReader
{
    /// <summary>Checks the list and converts it.</summary>
    /// <param name="numTokens">N; the nodes 0 to N - 1 are the tokens.</param>
    /// <param name="parents">The parent of every node; -1 for the root.</param>
    /// <exception cref="ArgumentException">The list is not a tree over the tokens.</exception>
    public static HierarchyNode Read(int numTokens, IReadOnlyList<int> parents)
    {
        ArgumentNullException.ThrowIfNull(parents);
        TensorChecks.InRange(numTokens, 1, parents.Count, nameof(numTokens), "The tokens are the first of the nodes.");
        int root = Root(parents);
        var children = new List<int>[parents.Count];
        for (int node = 0; node < parents.Count; node++)
            children[node] = [];
        for (int node = 0; node < parents.Count; node++)
        {
            if (parents[node] >= 0)
                children[parents[node]].Add(node);
        }
        RefuseCycles(parents, root);
        return Node(root);

        HierarchyNode Node(int node)
        {
            if (node < numTokens)
            {
                return children[node].Count == 0
                    ? HierarchyNode.Leaf(node)
                    : throw new ArgumentException(
                        $"A token has no children, but node {node}, one of the first {numTokens}, is the parent of {children[node][0]}.", nameof(parents));
            }
            if (children[node].Count == 0)
                throw new ArgumentException($"A node must hold at least one token, but node {node} is empty. Leave empty nodes out.", nameof(parents));
            HierarchyNode[] parts = [.. children[node].Select(Node).OrderBy(part => part.Start)];
            return new HierarchyNode(parts[0].Start, parts[^1].End, parts);
        }
    }

    private static int Root(IReadOnlyList<int> parents)
    {
        int root = -1;
        for (int node = 0; node < parents.Count; node++)
        {
            if (parents[node] < -1 || parents[node] >= parents.Count)
            {
                throw new ArgumentException(
                    $"A parent must be a node from 0 to {parents.Count - 1}, or -1 for the root, but node {node} has {parents[node]}.", nameof(parents));
            }
            if (parents[node] < 0 && root >= 0)
                throw new ArgumentException($"There must be one root, but nodes {root} and {node} have no parent.", nameof(parents));
            if (parents[node] < 0)
                root = node;
        }
        return root >= 0
            ? root
            : throw new ArgumentException(
                "There must be one root, but every node has a parent, so there is a cycle. Give the root the parent -1.", nameof(parents));
    }

    // Also limits the depth, so that the tree can be read recursively.
    private static void RefuseCycles(IReadOnlyList<int> parents, int root)
    {
        int[] depth = new int[parents.Count]; // 0: not known yet
        depth[root] = 1;
        var path = new Stack<int>();
        for (int first = 0; first < parents.Count; first++)
        {
            for (int node = first; depth[node] == 0; node = parents[node])
            {
                path.Push(node);
                if (path.Count > parents.Count)
                {
                    throw new ArgumentException(
                        $"Nodes must form a tree, but node {first} and its ancestors form a cycle through node {node}.", nameof(parents));
                }
            }
            while (path.TryPop(out int node))
            {
                depth[node] = depth[parents[node]] + 1;
                if (depth[node] > TokenHierarchy.MaxDepth + 1)
                {
                    throw new ArgumentException(
                        $"A tree may have at most {TokenHierarchy.MaxDepth} levels, but node {node} lies below {depth[node] - 1} others.", nameof(parents));
                }
            }
        }
    }
}
