namespace Maha.Layers.Trees;

/// <summary>A node of a tree over tokens, in the form of nested spans: a span of tokens and the parts that it is divided into.</summary>
/// <param name="Start">The first token of the span.</param>
/// <param name="End">The end of the span, exclusive.</param>
/// <param name="Children">The parts of the span in order; empty for a leaf, which is a single token.</param>
internal sealed record HierarchyNode(int Start, int End, IReadOnlyList<HierarchyNode> Children)
{
    /// <summary>Creates a leaf.</summary>
    /// <param name="token">The token's position.</param>
    public static HierarchyNode Leaf(int token) => new(token, token + 1, []);

    /// <summary>Creates a node whose children are the tokens of a span.</summary>
    /// <param name="start">The first token.</param>
    /// <param name="end">The end of the span, exclusive.</param>
    /// <exception cref="ArgumentOutOfRangeException">The span is empty.</exception>
    public static HierarchyNode FromTokens(int start, int end)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(end, start);
        return new(start, end, [.. Enumerable.Range(start, end - start).Select(Leaf)]);
    }
}
