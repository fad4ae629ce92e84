namespace Maha.Layers.Trees;

/// <summary>Converts a tree of nested spans into a <see cref="TokenHierarchy"/>, whose leaves have equal depth.</summary>
internal static class NestedSpanReader
{
    /// <summary>Checks the tree and converts it.</summary>
    /// <param name="root">The node of all tokens.</param>
    /// <exception cref="ArgumentException">The spans are not a tree over the tokens.</exception>
    public static TokenHierarchy Read(HierarchyNode root)
    {
        ArgumentNullException.ThrowIfNull(root);
        if (root.Start != 0)
            throw new ArgumentException($"The root must begin at token 0, but begins at {root.Start}.", nameof(root));
        int depth = Math.Max(1, Check(root, 0));
        var starts = new List<int>[depth];
        for (int level = 0; level < depth; level++)
            starts[level] = [0];
        Write(root, depth, starts);
        return new TokenHierarchy([.. starts.Select(level => level.ToArray())]);
    }

    // Returns the number of levels below the node.
    private static int Check(HierarchyNode node, int above)
    {
        string name = $"[{node.Start}, {node.End})";
        if (node.End <= node.Start)
            throw new ArgumentException($"A node must hold at least one token, but the span {name} is empty. Leave empty nodes out.");
        if (above > TokenHierarchy.MaxDepth)
        {
            throw new ArgumentException(
                $"A tree may have at most {TokenHierarchy.MaxDepth} levels, but at {name} there are more. Look for a node that is its own descendant.");
        }
        ArgumentNullException.ThrowIfNull(node.Children);
        if (node.Children.Count == 0)
        {
            return node.End == node.Start + 1
                ? 0
                : throw new ArgumentException(
                    $"A node without children must be a single token, but {name} holds {node.End - node.Start}. Give it one child per token.");
        }
        int position = node.Start, depth = 0;
        foreach (var child in node.Children)
        {
            ArgumentNullException.ThrowIfNull(child, nameof(node));
            if (child.Start != position)
            {
                throw new ArgumentException(
                    $"The children of {name} must follow each other without {(child.Start > position ? "gaps" : "overlaps")}, "
                    + $"but one begins at {child.Start} where {position} comes next.");
            }
            depth = Math.Max(depth, Check(child, above + 1));
            position = child.End;
        }
        return position == node.End
            ? depth + 1
            : throw new ArgumentException($"The children of {name} must end with it, but end at {position}. Leave no gaps and no overlaps.");
    }

    private static void Write(HierarchyNode node, int level, List<int>[] starts)
    {
        if (level == 0)
            return;
        var below = starts[level - 1];
        if (node.Children.Count == 0)
        {
            Write(node, level - 1, starts); // a chain down to the token
            below.Add(below[^1] + 1);
            return;
        }
        foreach (var child in node.Children)
            Write(child, level - 1, starts);
        below.Add(below[^1] + node.Children.Count);
    }
}
