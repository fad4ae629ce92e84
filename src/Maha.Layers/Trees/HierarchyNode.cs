namespace Maha.Layers.Trees;

/// <summary>A node of a tree over tokens, as it is written down: a span of tokens and what it is divided into.</summary>
/// <param name="Start">The first token of the span.</param>
/// <param name="End">The token behind the last of the span.</param>
/// <param name="Children">The parts of the span in order; empty for a leaf, which is a single token.</param>
public sealed record HierarchyNode(int Start, int End, IReadOnlyList<HierarchyNode> Children)
{
    /// <summary>A leaf.</summary>
    /// <param name="token">The token's position.</param>
    public static HierarchyNode Leaf(int token) => new(token, token + 1, []);

    /// <summary>A node whose children are the tokens of a span.</summary>
    /// <param name="start">The first token.</param>
    /// <param name="end">The token behind the last.</param>
    /// <exception cref="ArgumentOutOfRangeException">The span is empty.</exception>
    public static HierarchyNode Family(int start, int end)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(end, start);
        return new(start, end, [.. Enumerable.Range(start, end - start).Select(Leaf)]);
    }
}
