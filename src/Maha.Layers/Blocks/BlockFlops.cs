using Maha.Layers.Attention;
using Maha.Layers.Trees;


namespace Maha.Layers.Blocks;

// N length, N_s length at scale s, S scales, D width, F feed-forward width, H heads, w window, k kernel size

/// <summary>The floating-point operations of a block's forward pass for one document, by component; a multiply-add counts 2.</summary>
/// <remarks>
/// Counted are the products that grow with N * D: projections, scores and weighted sums, convolutions, feed-forward, gates, and the sums over scales.
/// Left out, as usual: biases, norms, activations, exponentials, and the solvers' O(S^2) a token.
/// Windowed attention counts what is computed: the keys that a block sees, 3w but for the blocks at the ends.
/// </remarks>
/// <param name="Attention">Scores and weighted sums over all scales.</param>
/// <param name="Projections">Queries, keys, values and output.</param>
/// <param name="Convolutions">Local convolution and decomposition, of tokens and of values.</param>
/// <param name="Aggregation">Gram matrix, utilities, gates and the weighted sum of the scales.</param>
/// <param name="FeedForward">Both linear layers.</param>
public sealed record BlockFlops(long Attention, long Projections, long Convolutions, long Aggregation, long FeedForward)
{
    private const int KernelSize = 3;

    /// <summary>The sum of all components.</summary>
    public long Total => Attention + Projections + Convolutions + Aggregation + FeedForward;

    /// <summary>Counts a block.</summary>
    /// <param name="options">The shape of the block.</param>
    /// <param name="length">N, the tokens of the document; at least 1.</param>
    /// <exception cref="ArgumentException">The options are not valid, or the length is below 1.</exception>
    public static BlockFlops Of(MahaBlockOptions options, int length)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        long n = length, width = options.DModel, feedForward = 4 * n * width * options.FeedForwardDim;
        return options.Attention switch
        {
            AttentionKind.Full => new BlockFlops(4 * width * (options.IsCausal ? n * (n + 1) / 2 : n * n), 8 * n * width * width, 0, 0, feedForward),
            AttentionKind.Window => new BlockFlops(4 * width * (WindowPairs(n, options.Window, options.IsCausal) + ((options.IsCausal ? 1 : 2) * Math.Min(n, options.GlobalTokens) * n)), 8 * n * width * width, 0, 0, feedForward),
            AttentionKind.Hsa or AttentionKind.HsaCausal when options.Hierarchy == HierarchyKind.Blocks =>
                new BlockFlops(OfTree(options, TokenHierarchy.Blocks(length, options.Branching)), 8 * n * width * width, 0, 0, feedForward),
            AttentionKind.Maha => OfMaha(options, length) with { FeedForward = feedForward },
            AttentionKind.MahaReference => OfReference(options, length) with { FeedForward = feedForward },
            _ => throw new ArgumentOutOfRangeException(nameof(options), options.Attention, $"Attention {options.Attention} is not counted."),
        };
    }

    /// <summary>Counts the attention of a layer over a tree: products of queries and keys and of weights and values, means, and the pass down.</summary>
    /// <param name="options">The shape of the block; Attention is Hsa or HsaCausal.</param>
    /// <param name="tree">The document's tree.</param>
    /// <exception cref="ArgumentException">The options are not valid, or ask for another kind of attention.</exception>
    public static long OfTree(MahaBlockOptions options, TokenHierarchy tree)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(tree);
        options.Validate();
        if (options.Attention is not (AttentionKind.Hsa or AttentionKind.HsaCausal))
            throw new ArgumentException($"Attention must be Hsa or HsaCausal to be counted over a tree, but is {options.Attention}.", nameof(options));
        bool causal = options.IsCausalTree;
        long pairs = 0, pooled = 0, passed = 0;
        for (int level = 0; level < tree.Depth; level++)
        {
            long before = 0;
            for (int family = 0; family < tree.Count(level + 1); family++)
            {
                var (start, end) = tree.Children(level + 1, family);
                long children = end - start;
                pairs += causal ? (children + (options.Overlap ? before : 0)) * Tokens(tree, level, start, end) : children * children;
                before = children;
            }

            // The root's mean is not needed, nor has it anything to pass down.
            if (level + 1 < tree.Depth)
            {
                pooled += tree.Count(level) * (causal ? 2 : 3);
                passed += causal ? 0 : tree.Count(level);
            }
        }
        return ((4 * pairs) + (2 * pooled) + (2 * passed)) * options.DModel;
    }

    // The tokens under the nodes of a level from one to before another.
    private static long Tokens(TokenHierarchy tree, int level, int start, int end)
    {
        for (; level > 0; level--)
            (start, end) = (tree.Children(level, start).Start, tree.Children(level, end - 1).End);
        return end - start;
    }

    private static BlockFlops OfMaha(MahaBlockOptions options, int length)
    {
        long width = options.DModel, n = length;
        var hierarchy = options.IsCausal
            ? ScaleHierarchy.Causal([length], length, options.NumScales, options.CompressionRatio)
            : new ScaleHierarchy([length], length, options.NumScales, options.CompressionRatio, options.Window);
        long attention = 0, projections = 2 * n * width * width, convolutions = 2L * KernelSize * n * width;
        for (int scale = 0; scale < hierarchy.Count; scale++)
        {
            long tokens = hierarchy.Lengths[scale];
            attention += 4 * width * WindowPairs(tokens, options.Window, options.IsCausal);
            projections += 4 * tokens * width * width;

            // Tokens and values pass the same operators.
            if (scale > 0 && options.Decomposition == DecompositionKind.StridedConvolution)
                convolutions += 2 * 2L * KernelSize * tokens * width;
        }
        return new BlockFlops(attention, projections, convolutions, OfAggregation(options, hierarchy.Lengths, hierarchy.Cells, n), 0);
    }

    private static BlockFlops OfReference(MahaBlockOptions options, int length)
    {
        long width = options.DModel, n = length;
        long[] lengths = ScaleLengths.Of(options.Decomposition, length, options.NumScales, options.CompressionRatio, KernelSize);
        long attention = 0, projections = 2 * n * width * width, convolutions = 2L * KernelSize * n * width * width;
        for (int scale = 0; scale < lengths.Length; scale++)
        {
            attention += 4 * lengths[scale] * lengths[scale] * width;
            projections += 4 * lengths[scale] * width * width;
            if (scale > 0 && options.Decomposition == DecompositionKind.StridedConvolution)
                convolutions += 2 * 2L * KernelSize * lengths[scale] * width * width;
        }
        return new BlockFlops(attention, projections, convolutions, OfAggregation(options, [.. lengths.Select(_ => length)], [.. lengths.Select(_ => 1L)], n), 0);
    }

    // Gram matrix: a pair of scales meets once per token of the finer one (ScaleGramKernel), the norm of each token included.
    private static long OfAggregation(MahaBlockOptions options, int[] lengths, long[] cells, long n)
    {
        long width = options.DModel, scales = lengths.Length, sum = 2 * scales * n * width;
        long gram = Enumerable.Range(0, (int)scales).Sum(s => 2L * lengths[s] * width * (scales - s + 1));
        long utilities = options.Granularity == WeightGranularity.InputFree ? 0 : lengths.Sum(tokens => 2L * tokens * width);
        return options.Aggregation switch
        {
            AggregationKind.Convex => sum + gram + utilities,
            AggregationKind.Nash => sum + gram,
            AggregationKind.Gated => (scales - 1) * ((4 * n * width * width) + (4 * n * width)),
            AggregationKind.ReferenceNash => (sum + (3 * scales * n * width)) * 3,
            _ => sum,
        };
    }

    // Query-key pairs of windowed attention: every query of a block with every key of the block and its neighbors; causal: those at or before it.
    private static long WindowPairs(long tokens, int window, bool isCausal)
    {
        long block = Math.Min(window, tokens), pairs = 0;
        for (long start = 0; start < tokens; start += block)
        {
            long rows = Math.Min(tokens, start + block) - start, before = start - Math.Max(0, start - block);
            pairs += isCausal
                ? (rows * before) + (rows * (rows + 1) / 2)
                : rows * (before + Math.Min(tokens, start + (2 * block)) - start);
        }
        return pairs;
    }
}
