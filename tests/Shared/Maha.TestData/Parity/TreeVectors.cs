using System.Text.Json;
using Maha.Layers.Attention;
using Maha.Layers.Trees;
using static TorchSharp.torch;

namespace Maha.TestData.Parity;

/// <summary>
/// Hierarchical attention on one small tree: outputs, weights, phi of the root, the distance to softmax. The forms that no layer has
/// (row-tied causal, strictly causal T) are compared with the recursion that the layers are tested against.
/// </summary>
internal sealed class TreeVectors : IVectorKind
{
    /// <summary>The largest relative error in float64: a few products and one exponential a weight.</summary>
    public const double Tolerance = 1e-12;

    private const string LogTheta = "log_theta_null_means_minus_inf";

    public bool Matches(string? what, VectorFile file) => what is null && file.Has("variant") && file.Has("tree_spans");

    public void Compare(VectorFile file, Comparison comparison, ScalarType type)
    {
        comparison.Tolerance = Tolerance;
        file.Text("name");
        file.Text("description");
        string variant = file.Text("variant");
        bool self = file.Boolean("self_attend");
        double scale = file.Number("scale");
        int length = file.Integer("N");
        var root = ReadTree(file.Any("tree_spans"));
        if (!Same(root, file.Any("tree_nested_leaf_indices")))
            throw new FormatException("'tree_nested_leaf_indices' must be the tree of 'tree_spans', but is another.");
        var (query, key, value) = (Rows(file, "q", length), Rows(file, "k", length), Rows(file, "v", length));
        bool[] real = [.. file.Items("mask").Select(item => item.GetBoolean())];
        if (real.Length != length)
            throw new FormatException($"'mask' must have {length} values, but has {real.Length}.");
        var branching = file.Any("branching_leaf_to_root");
        int[]? sizes = branching.ValueKind == JsonValueKind.Null ? null : [.. branching.EnumerateArray().Select(item => item.GetInt32())];
        var problem = new Problem(root, query, key, value, real, scale, self, type);
        CompareLogits(file, comparison, problem);
        switch (variant)
        {
            case "bidir":
                CompareLayers(file, comparison, problem, HierarchicalForm.Optimal, sizes);
                CompareLogarithms(file, comparison, TreeRecursion.Solve(root, query, key, real, scale, self, causal: false));
                break;
            case "causal_K":
                CompareLayers(file, comparison, problem, HierarchicalForm.Causal, sizes);
                CompareLogarithms(file, comparison, TreeRecursion.ColumnTied(root, query, key, real, scale, self));
                break;
            case "causal_tied":
                CompareWeights(file, comparison, problem, TreeRecursion.Solve(root, query, key, real, scale, self, causal: true));
                break;
            case "causal_T" when self && real.All(token => token):
                CompareWeights(file, comparison, problem, TreeRecursion.LastRows(root, query, key, scale));
                break;
            default:
                throw new FormatException(
                    $"'variant' must be bidir, causal_K, causal_tied or causal_T (which takes neither a mask nor self_attend false), but is '{variant}'.");
        }
    }

    private static void CompareLayers(VectorFile file, Comparison comparison, Problem problem, HierarchicalForm form, int[]? sizes)
    {
        var (output, theta) = (Matrix(file, "out", problem.Real.Length), Matrix(file, "theta", problem.Real.Length));
        double distance = file.Number("sum_row_kl_to_softmax");
        double? phi = file.Has("phi_root") ? file.Number("phi_root") : null;
        var settings = new HierarchicalSettings(form, problem.Scale, problem.Self);
        var layouts = new List<(string Name, HierarchyLayout Layout)> { ("packed", HierarchyLayout.Packed([TokenHierarchy.FromTree(problem.Root)])) };
        if (sizes is not null)
            layouts.Add(("regular", HierarchyLayout.Regular(problem.Real.Length, sizes)));
        foreach (var (name, layout) in layouts)
        {
            var (q, k, v) = (problem.Operand(problem.Query), problem.Operand(problem.Key), problem.Operand(problem.Value));
            var result = HierarchicalAttention.Apply(q, k, v, layout, settings, problem.Ignored);
            comparison.Add($"out ({name})", result.Output[0], output);
            var identity = eye(problem.Real.Length, dtype: problem.Type).unsqueeze(0);
            comparison.Add($"theta ({name})", HierarchicalAttention.Apply(q, k, identity, layout, settings, problem.Ignored).Output[0], theta);
            if (phi is not null)
                comparison.Add($"phi_root ({name})", result.LogPartition.to(ScalarType.Float64).sum().item<double>(), phi.Value);
            comparison.Add($"sum_row_kl_to_softmax ({name})",
                FlatDistance.Sum(q, k, layout, settings, problem.Ignored).to(ScalarType.Float64).sum().item<double>(), distance);
        }
    }

    // Weights that underflow differ in their logarithms only.
    private static void CompareLogarithms(VectorFile file, Comparison comparison, TreeRecursion recursion)
    {
        if (!file.Has(LogTheta))
            return;
        double[][] expected = [.. file.Items(LogTheta)
            .Select(row => row.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Null ? double.NegativeInfinity : item.GetDouble()).ToArray())];
        // A weight of exactly 0 has no logarithm: it must be in the same place, and is left out of the comparison of sizes.
        comparison.Add("log_theta (finite)", Where(recursion.LogTheta, _ => 1, 0), Where(expected, _ => 1, 0));
        comparison.Add("log_theta", Where(recursion.LogTheta, item => item, 0), Where(expected, item => item, 0));
    }

    private static void CompareWeights(VectorFile file, Comparison comparison, Problem problem, TreeRecursion recursion)
    {
        double[][] theta = recursion.Theta;
        var weights = FromRows(theta);
        comparison.Add("theta", weights, Matrix(file, "theta", theta.Length));
        comparison.Add("out", weights.matmul(FromRows(problem.Value)), Matrix(file, "out", theta.Length));
        double distance = 0;
        for (int i = 0; i < theta.Length; i++)
        {
            double[] logits = [.. Enumerable.Range(0, i + 1).Select(j => problem.Logit(i, j))];
            double largest = logits.Max(), flat = largest + Math.Log(logits.Sum(logit => Math.Exp(logit - largest)));
            distance += Enumerable.Range(0, i + 1).Where(j => theta[i][j] > 0).Sum(j => theta[i][j] * (Math.Log(theta[i][j]) - logits[j] + flat));
        }
        comparison.Add("sum_row_kl_to_softmax", distance, file.Number("sum_row_kl_to_softmax"));
        if (file.Has("phi_root"))
        {
            double phi = TreeRecursion.Solve(problem.Root, problem.Query, problem.Key, problem.Real, problem.Scale, problem.Self, causal: true).PhiRoot;
            comparison.Add("phi_root", phi, file.Number("phi_root"));
        }
        CompareLogarithms(file, comparison, recursion);
    }

    // Of the figures about the making of the file one follows from its inputs.
    private static void CompareLogits(VectorFile file, Comparison comparison, Problem problem)
    {
        double logit = file.Any("checks").GetProperty("max_abs_logit").GetDouble();
        var tokens = Enumerable.Range(0, problem.Real.Length);
        comparison.Add("max_abs_logit", tokens.Max(i => tokens.Max(j => Math.Abs(problem.Logit(i, j)))), logit);
    }

    private static HierarchyNode ReadTree(JsonElement element)
    {
        var span = element.GetProperty("span");
        return new HierarchyNode(span[0].GetInt32(), span[1].GetInt32(), [.. element.GetProperty("children").EnumerateArray().Select(ReadTree)]);
    }

    private static bool Same(HierarchyNode node, JsonElement nested) => nested.ValueKind == JsonValueKind.Number
        ? node.Children.Count == 0 && node.Start == nested.GetInt32()
        : node.Children.Count == nested.GetArrayLength() && node.Children.Zip(nested.EnumerateArray(), Same).All(same => same);

    private static double[][] Rows(VectorFile file, string field, int length)
    {
        double[][] rows = [.. file.Items(field).Select(row => row.EnumerateArray().Select(item => item.GetDouble()).ToArray())];
        return rows.Length == length && rows.All(row => row.Length > 0 && row.Length == rows[0].Length)
            ? rows
            : throw new FormatException(
                $"'{field}' must have {length} rows of equal length, at least 1, but has rows of [{string.Join(", ", rows.Select(row => row.Length))}].");
    }

    private static Tensor Matrix(VectorFile file, string field, int length) => FromRows(Rows(file, field, length));

    private static Tensor FromRows(double[][] rows) => tensor(rows.SelectMany(row => row).ToArray(), [rows.Length, rows[0].Length]);

    private static Tensor Where(double[][] rows, Func<double, double> finite, double otherwise) =>
        FromRows([.. rows.Select(row => row.Select(item => double.IsFinite(item) ? finite(item) : otherwise).ToArray())]);

    private sealed record Problem(HierarchyNode Root, double[][] Query, double[][] Key, double[][] Value, bool[] Real, double Scale, bool Self, ScalarType Type)
    {
        public Tensor? Ignored => Real.All(token => token) ? null : tensor([.. Real.Select(token => !token)], [1, Real.Length]);

        public Tensor Operand(double[][] rows) => FromRows(rows).unsqueeze(0).to(Type);

        public double Logit(int row, int column) => Scale * Query[row].Zip(Key[column], (x, y) => x * y).Sum();
    }
}
