using Maha.Onnx.Graph;
using DataType = global::Onnx.TensorProto.Types.DataType;

namespace Maha.Onnx.Layers;

// B batch, R rows of a document, S scales, T supports (sets of scales with weight)

/// <summary>The quadratic program of the convex aggregation as a graph: the minimum over the simplex of 1/2 a^T (I + rho G) a - c^T a.</summary>
/// <remarks>
/// The minimum on every support is computed, and the one that violates the conditions of optimality least is the solution. The layers find the same point by
/// trying supports one after the other, which a graph can't do for every row separately. The program is strictly convex, so there is one solution.
/// </remarks>
internal sealed class SimplexGraph
{
    /// <summary>The largest S: the 2^S - 1 supports of all rows are in memory at once.</summary>
    public const int MaxScales = 8;

    private readonly int _scales;
    private readonly int _supports;
    private readonly OnnxValue _available;
    private readonly OnnxValue _matrix;
    private readonly OnnxValue _members;
    private readonly OnnxValue _projections;
    private readonly OnnxValue _offsets;

    /// <summary>Prepares the supports of the documents.</summary>
    /// <param name="gram">G [B, S, S] of Double.</param>
    /// <param name="available">The scales that may get weight, [B, 1, S] of Bool.</param>
    /// <param name="numScales">S.</param>
    /// <param name="rho">The price of redundancy.</param>
    public SimplexGraph(OnnxValue gram, OnnxValue available, int numScales, double rho)
    {
        var builder = gram.Builder;
        (_available, _scales, _supports) = (available, numScales, (1 << numScales) - 1);
        double[] members =
        [
            .. Enumerable.Range(1, _supports).SelectMany(support => Enumerable.Range(0, numScales).Select(scale => (double)((support >> scale) & 1))),
        ];
        _members = builder.Constant(DataType.Double, members, _supports, _scales);
        var identity = Identity(builder, _scales);
        _matrix = ((gram * rho) + identity).Unsqueeze(1); // M = I + rho G, [B, 1, S, S]

        // M on the support and the identity elsewhere, [B, T, S, S]. Its eigenvalues are at least 1, so elimination needs no pivoting.
        var both = _members.Unsqueeze(2) * _members.Unsqueeze(1); // [T, S, S]
        var left = (_matrix * both) + (identity * (1 - _members).Unsqueeze(2));
        var right = identity + (left * 0);
        for (int k = 0; k < _scales; k++)
        {
            var pivot = left.Slice(2, k, k + 1).Slice(3, k, k + 1);
            var (leftRow, rightRow) = (left.Slice(2, k, k + 1) / pivot, right.Slice(2, k, k + 1) / pivot);
            var factors = left.Slice(3, k, k + 1) - identity.Slice(1, k, k + 1); // [B, T, S, 1]
            (left, right) = (left - (factors * leftRow), right - (factors * rightRow));
        }
        var inverse = right * both;
        var sums = inverse.Sum(3, keepDim: true); // [B, T, S, 1]
        var total = sums.Sum(2, keepDim: true); // [B, T, 1, 1]
        _projections = inverse - (sums * sums.Transpose(0, 1, 3, 2) / total);
        _offsets = (sums / total).Squeeze(3).Unsqueeze(1); // [B, 1, T, S]
    }

    /// <summary>Solves the program.</summary>
    /// <param name="linear">c [B, R, S] of Double.</param>
    /// <returns>a [B, R, S] of Double.</returns>
    public OnnxValue Solve(OnnxValue linear)
    {
        // A common offset of c does not change the solution but costs digits.
        var shifted = linear - _available.Where(linear, OnnxValue.Floor).Largest(2, keepDim: true);
        var c = _available.Where(shifted, 0);
        var (batch, rows) = (c.Dim(0), c.Dim(1));
        var maps = _projections.Reshape(batch, _supports * _scales, _scales).Transpose(0, 2, 1); // [B, S, T * S]
        var candidates = c.MatMul(maps).Reshape(batch, rows, _supports, _scales) + _offsets; // [B, R, T, S]
        var slopes = candidates.MatMul(_matrix) - c.Unsqueeze(2);
        var level = (candidates * slopes).Sum(3, keepDim: true);
        var isMember = _members > 0; // [T, S]
        var usable = _available.Unsqueeze(2); // [B, 1, 1, S]

        // A member must have weight, and no other scale may lower the objective. A support with a scale that is not available is no candidate.
        var violations = isMember.Where(usable.Where(-candidates, -OnnxValue.Floor), usable.Where(level - slopes, OnnxValue.Floor)).Largest(3); // [B, R, T]
        var best = violations.Builder.Node("ArgMin", DataType.Int64, [violations], ("axis", 2L), ("keepdims", 1L)); // [B, R, 1]
        var index = best.Unsqueeze(3).Expand(batch, rows, 1, _scales);
        var chosen = candidates.Builder.Node("GatherElements", DataType.Double, [candidates, index], ("axis", 2L)).Squeeze(2); // [B, R, S]
        var positive = chosen.Max(0);
        return positive / positive.Sum(2, keepDim: true);
    }

    private static OnnxValue Identity(OnnxBuilder builder, int size) =>
        builder.Constant(DataType.Double, [.. Enumerable.Range(0, size * size).Select(i => i % (size + 1) == 0 ? 1.0 : 0)], size, size);
}
