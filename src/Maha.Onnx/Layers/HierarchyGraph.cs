using Maha.Onnx.Graph;
using DataType = global::Onnx.TensorProto.Types.DataType;

namespace Maha.Onnx.Layers;

// B batch, H heads, N tokens, n nodes of a level, M families, b children of a family, r tokens of a family, K head dim

/// <summary>Hierarchical attention over trees of blocks as a graph, for documents of any length.</summary>
/// <remarks>
/// The graph has as many levels as the longest document of the model needs. In a shorter document the upper levels have families of one node, which change
/// nothing and cost nothing.
/// </remarks>
internal sealed class HierarchyGraph
{
    private readonly TokenRows _rows;
    private readonly Level[] _levels;

    /// <summary>Creates the levels.</summary>
    /// <param name="branching">b.</param>
    /// <param name="rows">The lengths.</param>
    public HierarchyGraph(int branching, TokenRows rows)
    {
        _rows = rows;
        var levels = new List<Level>();
        var nodes = rows.Length;
        long cell = 1;
        for (long most = rows.MaxLength; most > branching; most = (most + branching - 1) / branching)
        {
            levels.Add(new Level(nodes, nodes.Min(branching), cell, rows.Length));
            nodes = levels[^1].Families;
            cell *= branching;
        }
        // The root's family holds the nodes that are left.
        levels.Add(new Level(nodes, nodes, cell, rows.Length));
        _levels = [.. levels];
    }

    /// <summary>Computes the optimal form, as OptimalTreeAttention does.</summary>
    /// <param name="query">[B, H, N, K], scaled, 0 at padding.</param>
    /// <param name="key">[B, H, N, K], 0 at padding.</param>
    /// <param name="value">[B, H, N, K], 0 at padding.</param>
    /// <returns>[B, H, N, K].</returns>
    public OnnxValue Optimal(OnnxValue query, OnnxValue key, OnnxValue value)
    {
        int top = _levels.Length - 1;
        var mixed = new OnnxValue[_levels.Length]; // [B, H, M, b, K]: the mixed values of a child's siblings
        var kept = new OnnxValue[_levels.Length]; // [B, H, M, b]: the mass that stays inside a child
        var counts = _rows.Counts().Unsqueeze(1); // [B, 1, n]
        OnnxValue? energy = null; // phi, [B, H, n]
        for (int level = 0; level <= top; level++)
        {
            var tree = _levels[level];
            var (queries, keys, values, sizes) = (tree.Group(query), tree.Group(key), tree.Group(value), tree.Group(counts)); // [B, H, M, b, ...], [B, 1, M, b]
            var empty = sizes.EqualTo(0);
            var logSizes = (!empty).Where(sizes.Max(1).Log(), OnnxValue.Floor);
            var logits = queries.MatMul(keys.Transpose(0, 1, 2, 4, 3)) + logSizes.Unsqueeze(3); // [B, H, M, b, b]
            var self = tree.Diagonal(); // [b, b]
            if (energy is { } inner)
                logits = self.Where(empty.Where(OnnxValue.Floor, -tree.Group(inner)).Unsqueeze(4), logits);
            var largest = logits.Largest(-1, keepDim: true);
            var exponentials = (logits - largest).Exp();
            var sum = exponentials.Sum(-1, keepDim: true);
            var weights = exponentials / sum; // [B, H, M, b, b]
            var partition = (sum.Log() + largest).Squeeze(4); // [B, H, M, b]
            var total = sizes.Sum(-1, keepDim: true); // [B, 1, M, 1]
            var shares = sizes / total.Max(1);
            energy = -empty.Where(0, partition * shares).Sum(-1); // [B, H, M]
            if (level > 0)
            {
                kept[level] = self.Where(weights, 0).Sum(-1); // [B, H, M, b]
                weights = self.Where(0, weights);
            }
            mixed[level] = weights.MatMul(values);
            if (level < top)
                (query, key, value) = (Mean(queries, shares), Mean(keys, shares), Mean(values, shares)); // [B, H, M, K]
            counts = total.Squeeze(3);
        }

        var output = _levels[top].Ungroup(mixed[top]); // [B, H, n, K]
        OnnxValue? mass = top > 0 ? _levels[top].Ungroup(kept[top]) : null; // [B, H, n]
        for (int level = top - 1; level >= 0; level--)
        {
            output = _levels[level].Ungroup(output.Unsqueeze(3) + (mass!.Value.Unsqueeze(3, 4) * mixed[level]));
            if (level > 0)
                mass = _levels[level].Ungroup(mass.Value.Unsqueeze(3) * kept[level]);
        }
        return output;
    }

    /// <summary>Computes the key-tied form in which a token sees siblings to the left, as KeyTiedAttention does.</summary>
    /// <inheritdoc cref="Optimal"/>
    public OnnxValue Causal(OnnxValue query, OnnxValue key, OnnxValue value)
    {
        var logits = new OnnxValue[_levels.Length]; // [B, H, N, b]
        var columns = new OnnxValue[_levels.Length]; // [B, H, M, b, K]
        var counts = _rows.Counts().Unsqueeze(1); // [B, 1, n]
        for (int level = 0; level < _levels.Length; level++)
        {
            var tree = _levels[level];
            var (keys, values, sizes) = (tree.Group(key), tree.Group(value), tree.Group(counts));
            columns[level] = values;
            var products = tree.GroupTokens(query).MatMul(keys.Transpose(0, 1, 2, 4, 3)); // [B, H, M, r, b]
            var logSizes = sizes.EqualTo(0).Where(OnnxValue.Floor, sizes.Max(1).Log()).Unsqueeze(3); // [B, 1, M, 1, b]
            var column = tree.Branching.Range(); // [b]
            var own = tree.ChildOfToken(); // [r, 1]
            var hidden = level == 0 ? column > own : column >= own;
            logits[level] = tree.UngroupTokens(hidden.Where(OnnxValue.Floor, products + logSizes));
            var total = sizes.Sum(-1, keepDim: true);
            var shares = sizes / total.Max(1);
            (key, value) = (Mean(keys, shares), Mean(values, shares));
            counts = total.Squeeze(3);
        }

        var weights = OnnxValue.Concat(3, logits).Softmax(); // [B, H, N, sum of b]
        OnnxValue? output = null;
        OnnxDim first = 0;
        for (int level = 0; level < _levels.Length; level++)
        {
            var tree = _levels[level];
            OnnxDim end = first.Value is { } before ? before + tree.Branching : tree.Branching;
            var seen = tree.UngroupTokens(tree.GroupTokens(weights.Slice(3, first, end)).MatMul(columns[level])); // [B, H, N, K]
            output = output is { } sum ? sum + seen : seen;
            first = end;
        }
        return output!.Value;
    }

    // [B, H, M, b, K] to [B, H, M, K].
    private static OnnxValue Mean(OnnxValue families, OnnxValue shares) => (families * shares.Unsqueeze(4)).Sum(3);

    private sealed class Level
    {
        private readonly OnnxValue _nodes;
        private readonly OnnxValue _length;
        private readonly OnnxValue _tokens;
        private readonly long _cell;

        public Level(OnnxValue nodes, OnnxValue branching, long cell, OnnxValue length)
        {
            (_nodes, Branching, _cell, _length) = (nodes, branching, cell, length);
            Families = nodes.CeilDivide(branching);
            _tokens = (branching * cell).Min(length);
        }

        public OnnxValue Branching { get; }

        public OnnxValue Families { get; }

        public OnnxValue Diagonal() => Branching.Range().Unsqueeze(1).EqualTo(Branching.Range());

        // [r, 1]: the number of the child in its family that is above a token.
        public OnnxValue ChildOfToken() => (_tokens.Range() / _cell).Unsqueeze(1);

        // [B, H, n, ...] to [B, H, M, b, ...].
        public OnnxValue Group(OnnxValue nodes) => Split(nodes, _nodes, Branching);

        public OnnxValue GroupTokens(OnnxValue tokens) => Split(tokens, _length, _tokens);

        public OnnxValue Ungroup(OnnxValue families) => Join(families, _nodes);

        public OnnxValue UngroupTokens(OnnxValue families) => Join(families, _length);

        // Axes 0 and 1 are copied (0 in the shape), and so is what comes after the tokens.
        private OnnxValue Split(OnnxValue rows, OnnxValue count, OnnxValue size)
        {
            var padded = rows.Pad(2, 0, (Families * size) - count);
            var shape = OnnxValue.Concat(0, rows.Builder.Integers(0, 0), Families, size, Rest(rows, 3));
            return rows.Builder.Node("Reshape", rows.Type, [padded, shape]);
        }

        private static OnnxValue Join(OnnxValue families, OnnxValue count)
        {
            var shape = OnnxValue.Concat(0, families.Builder.Integers(0, 0, -1), Rest(families, 4));
            return families.Builder.Node("Reshape", families.Type, [families, shape]).Slice(2, 0, count);
        }

        private static OnnxValue Rest(OnnxValue value, long start) => value.Builder.Node("Shape", DataType.Int64, [value], ("start", start));
    }
}
