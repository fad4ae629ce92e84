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
internal sealed record BlockFlops(long Attention, long Projections, long Convolutions, long Aggregation, long FeedForward)
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
        var projected = new BlockFlops(0, 8 * n * width * width, 0, 0, feedForward); // queries, keys, values, output
        return options.Attention switch
        {
            FullOptions => projected with { Attention = 4 * width * (options.IsCausal ? n * (n + 1) / 2 : n * n) },
            WindowOptions window => projected with
            {
                Attention = 4 * width * (WindowPairs(n, window.Window, options.IsCausal) + GlobalPairs(n, window.GlobalTokens, options.IsCausal)),
            },
            HsaOptions { Hierarchy: HierarchyKind.Blocks } hsa => projected with { Attention = OfTree(options, TokenHierarchy.Blocks(length, hsa.Branching)) },
            MahaOptions maha => OfMaha(options, maha, length) with { FeedForward = feedForward },
            MahaReferenceOptions reference => OfReference(options, reference, length) with { FeedForward = feedForward },
            _ => throw new ArgumentOutOfRangeException(nameof(options), options.Attention, $"Attention {options.Attention.Kind} is not counted."),
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
        if (options.Attention is not HsaOptions hsa)
            throw new ArgumentException($"Attention must be Hsa or HsaCausal to be counted over a tree, but is {options.Attention.Kind}.", nameof(options));
        bool causal = hsa.IsCausalIn(options);
        long pairs = 0, pooled = 0, passed = 0;
        for (int level = 0; level < tree.Depth; level++)
        {
            long before = 0;
            for (int family = 0; family < tree.Count(level + 1); family++)
            {
                var (start, end) = tree.Children(level + 1, family);
                long children = end - start;
                pairs += causal ? (children + (hsa.Overlap ? before : 0)) * Tokens(tree, level, start, end) : children * children;
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

    private static BlockFlops OfMaha(MahaBlockOptions options, MahaOptions maha, int length)
    {
        int numScales = maha.CountScales(options.MaxSequenceLength);
        long width = options.DModel, n = length;
        var hierarchy = options.IsCausal
            ? ScaleHierarchy.Causal([length], length, numScales, maha.CompressionRatio)
            : new ScaleHierarchy([length], length, numScales, maha.CompressionRatio, maha.Window);
        long attention = 0, projections = 2 * n * width * width, convolutions = 2L * KernelSize * n * width;
        for (int scale = 0; scale < hierarchy.Count; scale++)
        {
            long tokens = hierarchy.Lengths[scale];
            attention += 4 * width * WindowPairs(tokens, maha.Window, options.IsCausal);
            projections += 4 * tokens * width * width;

            // Tokens and values pass the same operators.
            if (scale > 0 && maha.Decomposition == DecompositionKind.StridedConvolution)
                convolutions += 2 * 2L * KernelSize * tokens * width;
        }
        return new BlockFlops(attention, projections, convolutions, OfAggregation(maha.Aggregation, width, hierarchy.Lengths, hierarchy.Cells, n), 0);
    }

    private static BlockFlops OfReference(MahaBlockOptions options, MahaReferenceOptions reference, int length)
    {
        long width = options.DModel, n = length;
        int numScales = reference.CountScales(options.MaxSequenceLength);
        long[] lengths = ScaleLengths.Compute(reference.Decomposition, length, numScales, reference.CompressionRatio, KernelSize);
        long attention = 0, projections = 2 * n * width * width, convolutions = 2L * KernelSize * n * width * width;
        for (int scale = 0; scale < lengths.Length; scale++)
        {
            attention += 4 * lengths[scale] * lengths[scale] * width;
            projections += 4 * lengths[scale] * width * width;
            if (scale > 0 && reference.Decomposition == DecompositionKind.StridedConvolution)
                convolutions += 2 * 2L * KernelSize * lengths[scale] * width * width;
        }
        long aggregation = OfAggregation(reference.Aggregation, width, [.. lengths.Select(_ => length)], [.. lengths.Select(_ => 1L)], n);
        return new BlockFlops(attention, projections, convolutions, aggregation, 0);
    }

    // Gram matrix: a pair of scales meets once per token of the finer one (ScaleGramKernel), the norm of each token included.
    private static long OfAggregation(AggregationOptions options, long width, int[] lengths, long[] cells, long n)
    {
        long scales = lengths.Length, sum = 2 * scales * n * width;
        long gram = Enumerable.Range(0, (int)scales).Sum(s => 2L * lengths[s] * width * (scales - s + 1));
        long utilities = options switch
        {
            ConvexOptions { Granularity: WeightGranularity.InputFree } => 0,
            ConvexOptions { UtilityForm: UtilityForm.Softmax } => lengths.Sum(tokens => 4L * tokens * width), // and the mean squares of the rows
            _ => lengths.Sum(tokens => 2L * tokens * width),
        };
        return options.Kind switch
        {
            AggregationKind.Convex => sum + gram + utilities,
            AggregationKind.Nash => sum + gram,
            AggregationKind.Gated => (scales - 1) * ((4 * n * width * width) + (4 * n * width)),
            AggregationKind.ReferenceNash => (sum + (3 * scales * n * width)) * 3,
            _ => sum,
        };
    }

    // Every token with the global tokens and, where it may look ahead, the global tokens with every token.
    private static long GlobalPairs(long tokens, int globalTokens, bool isCausal) => (isCausal ? 1 : 2) * Math.Min(tokens, globalTokens) * tokens;

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
