using Maha.Layers.Core;


namespace Maha.Layers.Trees;

/// <summary>
/// An ordered rooted tree whose leaves are the tokens of one document, all at the same depth.
/// </summary>
/// <remarks>
/// <para>A tree with leaves at unequal depths is brought to equal depth by chains of nodes with one child, which change no attention weight.
/// Level 0 holds the tokens, the last level the root. Nodes of a level are numbered from left to right, so that the children of a node are
/// consecutive and a level is told by where each node's children begin.</para>
/// <para>Values of this type are immutable and may be shared by threads and batches.</para>
/// </remarks>
public sealed class TokenHierarchy
{
    /// <summary>The largest number of levels above the tokens.</summary>
    public const int MaxDepth = 64;

    // _starts[l][j]: the first node of level l under node j of level l + 1; one number more at the end.
    private readonly int[][] _starts;

    // Threads that need it at once may each make one; they are equal.
    private TreePlan? _plan;

    internal TokenHierarchy(int[][] starts)
    {
        _starts = starts;
    }

    /// <summary>N, the number of tokens.</summary>
    public int Length => _starts[0][^1];

    /// <summary>The number of levels above the tokens, at least 1.</summary>
    public int Depth => _starts.Length;

    /// <summary>The number of nodes of a level.</summary>
    /// <param name="level">0 for the tokens, <see cref="Depth"/> for the root.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such level.</exception>
    public int Count(int level)
    {
        TensorChecks.InRange(level, 0, Depth, nameof(level), "Level 0 holds the tokens, the last one the root.");
        return level == 0 ? Length : _starts[level - 1].Length - 1;
    }

    /// <summary>The children of a node, as a range of nodes of the level below.</summary>
    /// <param name="level">The node's level, from 1 to <see cref="Depth"/>.</param>
    /// <param name="node">The node's number inside its level.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such node.</exception>
    public (int Start, int End) Children(int level, int node)
    {
        TensorChecks.InRange(level, 1, Depth, nameof(level), "Tokens have no children.");
        TensorChecks.InRange(node, 0, Count(level) - 1, nameof(node), $"Level {level} has {Count(level)} nodes.");
        return (_starts[level - 1][node], _starts[level - 1][node + 1]);
    }

    /// <summary>The tree as the kernels walk it, made when it is first needed.</summary>
    internal TreePlan Plan => _plan ??= new TreePlan(this);

    /// <summary>Where the children of each node of a level begin in the level below, and one number more at the end.</summary>
    internal ReadOnlySpan<int> Starts(int level) => _starts[level];

    /// <summary>A tree of blocks: each node holds the next <paramref name="branching"/> nodes of the level below, the last one of a level what is left.</summary>
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

    /// <summary>A document of paragraphs, sentences and tokens, or any other nesting of parts told by where parts end.</summary>
    /// <param name="length">N, at least 1.</param>
    /// <param name="partEnds">
    /// For every level of parts, the finest first: the token behind the last of each part, ascending. A part of a coarser level must end where one of the finer
    /// level ends. Where the last part's end is not given it is N. No level at all makes one family of all tokens, which is flat attention.
    /// </param>
    /// <returns>A tree of one level more than <paramref name="partEnds"/>.</returns>
    /// <exception cref="ArgumentException">Ends are not ascending, outside [1, N], or cut a finer part.</exception>
    public static TokenHierarchy FromEnds(int length, params IReadOnlyList<int>[] partEnds)
    {
        ArgumentNullException.ThrowIfNull(partEnds);
        TensorChecks.InRange(length, 1, int.MaxValue, nameof(length), "A tree has at least one token.");
        TensorChecks.InRange(partEnds.Length, 0, MaxDepth - 1, nameof(partEnds), "Give fewer levels of parts.");
        var starts = new List<int[]>();
        int[] finer = [.. Enumerable.Range(1, length)]; // where the nodes of the level below end, in tokens
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

    /// <summary>A tree that is written down as nested spans.</summary>
    /// <param name="root">The node of all tokens, from token 0.</param>
    /// <exception cref="ArgumentException">The children of a node leave a gap or overlap, a node is empty or holds itself, or the tree is too deep; the message names the node.</exception>
    public static TokenHierarchy FromTree(HierarchyNode root) => TreeReading.Read(root);

    /// <summary>A tree that is written down as one parent a node.</summary>
    /// <param name="numTokens">N; the nodes 0 to N - 1 are the tokens in order.</param>
    /// <param name="parents">The parent of every node, tokens first; -1 for the root. The children of a node must be neighbors.</param>
    /// <exception cref="ArgumentException">There is not one root, a parent does not exist, nodes form a cycle, a node has no token below it, or tokens of different nodes interleave.</exception>
    public static TokenHierarchy FromParents(int numTokens, IReadOnlyList<int> parents) => TreeReading.Read(ParentReading.Read(numTokens, parents));

    /// <summary>The same tree with tokens before and behind it that are children of the root by themselves, as the special tokens of an encoder should be.</summary>
    /// <param name="before">The number of tokens put before, at least 0.</param>
    /// <param name="behind">The number of tokens put behind, at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is negative.</exception>
    public TokenHierarchy WithSpecialTokens(int before, int behind)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(before);
        ArgumentOutOfRangeException.ThrowIfNegative(behind);
        int[][] starts = new int[Depth][];
        for (int level = 0; level < Depth - 1; level++)
            starts[level] = [.. Enumerable.Range(0, before), .. _starts[level].Select(start => start + before), .. Enumerable.Range(_starts[level][^1] + before + 1, behind)];
        starts[^1] = [0, _starts[^1][^1] + before + behind];
        return new TokenHierarchy(starts);
    }

    // Where each end stands among the finer ends, plus one.
    private static IEnumerable<int> Positions(int[] ends, int[] finer, int length, int level)
    {
        int position = 0, last = 0;
        foreach (int end in ends)
        {
            if (end <= last || end > length)
                throw new ArgumentException($"The ends of parts must ascend and lie in [1, {length}], but level {level + 1} has {end} behind {last}. An end is the position behind a part's last token; leave out empty parts.", nameof(ends));
            while (finer[position] < end)
                position++;
            if (finer[position] != end)
                throw new ArgumentException($"A part must end where a part of the finer level ends, but level {level + 1} ends one at {end}, inside the finer part that ends at {finer[position]}.", nameof(ends));
            position++;
            last = end;
            yield return position;
        }
    }
}
