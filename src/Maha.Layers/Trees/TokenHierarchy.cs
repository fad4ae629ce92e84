using Maha.Layers.Core;

namespace Maha.Layers.Trees;

/// <summary>
/// An ordered rooted tree whose leaves are the tokens of one document, all at the same depth.
/// </summary>
/// <remarks>
/// <para>In a tree whose leaves have unequal depths, chains of nodes with one child make the depths equal; they change no attention weight.
/// Level 0 holds the tokens, the last level the root. The nodes of a level are numbered from left to right, so that the children of a node are
/// consecutive and a level is defined by the beginnings of its nodes' children.</para>
/// <para>The children of one node are a family. Instances are immutable and may be shared by threads and batches.</para>
/// </remarks>
public sealed class TokenHierarchy
{
    /// <summary>The largest number of levels above the tokens.</summary>
    public const int MaxDepth = 64;

    // _starts[l][j] is the first node of level l under node j of level l + 1; the last entry is the number of nodes of level l.
    private readonly int[][] _starts;

    // Threads that need it at the same time may each create one; they are equal.
    private TreePlan? _plan;

    internal TokenHierarchy(int[][] starts)
    {
        _starts = starts;
    }

    /// <summary>N, the number of tokens.</summary>
    public int Length => _starts[0][^1];

    /// <summary>The number of levels above the tokens, at least 1.</summary>
    public int Depth => _starts.Length;

    /// <summary>Returns the number of nodes of a level.</summary>
    /// <param name="level">0 for the tokens, <see cref="Depth"/> for the root.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such level.</exception>
    public int Count(int level)
    {
        TensorChecks.InRange(level, 0, Depth, nameof(level), "Level 0 holds the tokens, the last one the root.");
        return level == 0 ? Length : _starts[level - 1].Length - 1;
    }

    /// <summary>Returns the children of a node, as a range of nodes of the level below.</summary>
    /// <param name="level">The node's level, from 1 to <see cref="Depth"/>.</param>
    /// <param name="node">The node's number within its level.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such node.</exception>
    public (int Start, int End) Children(int level, int node)
    {
        TensorChecks.InRange(level, 1, Depth, nameof(level), "Tokens have no children.");
        TensorChecks.InRange(node, 0, Count(level) - 1, nameof(node), $"Level {level} has {Count(level)} nodes.");
        return (_starts[level - 1][node], _starts[level - 1][node + 1]);
    }

    /// <summary>The tree in the form that the kernels use, created on first use.</summary>
    internal TreePlan Plan => _plan ??= new TreePlan(this);

    /// <summary>
    /// Returns, for each node of level <paramref name="level"/> + 1, its first child in this level; the last entry is the number of nodes of the level.
    /// </summary>
    internal ReadOnlySpan<int> Starts(int level) => _starts[level];

    /// <summary>
    /// Creates a tree of blocks: each node has the next <paramref name="branching"/> nodes of the level below as children, and the last node of a level has the
    /// rest.
    /// </summary>
    /// <param name="length">N, at least 1.</param>
    /// <param name="branching">b, at least 2.</param>
    /// <exception cref="ArgumentOutOfRangeException">An argument is too small.</exception>
    public static TokenHierarchy Blocks(int length, int branching)
    {
        TensorChecks.InRange(length, 1, int.MaxValue, nameof(length), "A tree has at least one token.");
        TensorChecks.InRange(branching, 2, int.MaxValue, nameof(branching), "A block holds at least two parts; 16 is usual.");
        var starts = new List<int[]>();
        int count = length;
        do
        {
            int families = (int)(((long)count + branching - 1) / branching);
            int below = count;
            starts.Add([.. Enumerable.Range(0, families + 1).Select(j => (int)Math.Min((long)j * branching, below))]);
            count = families;
        }
        while (count > 1);
        return new TokenHierarchy([.. starts]);
    }

    /// <summary>Creates the tree of a document of paragraphs, sentences and tokens, or of any other nesting of parts, from the ends of the parts.</summary>
    /// <param name="length">N, at least 1.</param>
    /// <param name="partEnds">
    /// For every level of parts, the finest first: the exclusive ends of the parts in tokens, ascending. A part of a coarser level must end where a part of the
    /// finer level ends. The end of the last part may be left out and is N. Without levels all tokens are children of the root, which is flat attention.
    /// </param>
    /// <returns>A tree of one level more than <paramref name="partEnds"/>.</returns>
    /// <exception cref="ArgumentException">Ends are not ascending, outside [1, N], or cut a finer part.</exception>
    public static TokenHierarchy FromEnds(int length, params IReadOnlyList<int>[] partEnds)
    {
        ArgumentNullException.ThrowIfNull(partEnds);
        TensorChecks.InRange(length, 1, int.MaxValue, nameof(length), "A tree has at least one token.");
        TensorChecks.InRange(partEnds.Length, 0, MaxDepth - 1, nameof(partEnds), "Give fewer levels of parts.");
        var starts = new List<int[]>();
        int[] finer = [.. Enumerable.Range(1, length)]; // the ends of the nodes of the level below, in tokens
        foreach (var given in partEnds)
        {
            ArgumentNullException.ThrowIfNull(given, nameof(partEnds));
            int[] ends = given.Count > 0 && given[^1] == length ? [.. given] : [.. given, length];
            starts.Add([0, .. Positions(ends, finer, length, starts.Count)]);
            finer = ends;
        }
        starts.Add([0, finer.Length]);
        return new TokenHierarchy([.. starts]);
    }

    /// <summary>Creates a tree from nested spans.</summary>
    /// <param name="root">The node of all tokens, from token 0.</param>
    /// <exception cref="ArgumentException">
    /// The children of a node leave a gap or overlap, a node is empty or contains itself, or the tree is too deep; the message names the node.
    /// </exception>
    internal static TokenHierarchy FromTree(HierarchyNode root) => NestedSpanReader.Read(root);

    /// <summary>Creates a tree from the parent of each node.</summary>
    /// <param name="numTokens">N; the nodes 0 to N - 1 are the tokens in order.</param>
    /// <param name="parents">The parent of every node, tokens first; -1 for the root. The children of a node must be neighbors.</param>
    /// <exception cref="ArgumentException">
    /// There is not exactly one root, a parent does not exist, nodes form a cycle, a node has no token below it, or tokens of different nodes interleave.
    /// </exception>
    public static TokenHierarchy FromParents(int numTokens, IReadOnlyList<int> parents) => NestedSpanReader.Read(ParentListReader.Read(numTokens, parents));

    /// <summary>
    /// Returns the same tree with additional tokens before and after it as children of the root, for example the special tokens of an encoder.
    /// </summary>
    /// <param name="before">The number of tokens to add before the tree, at least 0.</param>
    /// <param name="after">The number of tokens to add after the tree, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    public TokenHierarchy WithSpecialTokens(int before, int after)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(before);
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        int[][] starts = new int[Depth][];
        for (int level = 0; level < Depth - 1; level++)
        {
            int end = _starts[level][^1] + before;
            starts[level] = [.. Enumerable.Range(0, before), .. _starts[level].Select(start => start + before), .. Enumerable.Range(end + 1, after)];
        }
        starts[^1] = [0, _starts[^1][^1] + before + after];
        return new TokenHierarchy(starts);
    }

    // The index of each end among the finer ends, plus one.
    private static IEnumerable<int> Positions(int[] ends, int[] finer, int length, int level)
    {
        int position = 0, last = 0;
        foreach (int end in ends)
        {
            if (end <= last || end > length)
            {
                throw new ArgumentException(
                    $"The ends of parts must ascend and lie in [1, {length}], but level {level + 1} has {end} after {last}. "
                    + "An end is the position after a part's last token; leave out empty parts.",
                    nameof(ends));
            }
            while (finer[position] < end)
                position++;
            if (finer[position] != end)
            {
                throw new ArgumentException(
                    $"A part must end where a part of the finer level ends, but level {level + 1} ends one at {end}, "
                    + $"inside the finer part that ends at {finer[position]}.",
                    nameof(ends));
            }
            position++;
            last = end;
            yield return position;
        }
    }
}
