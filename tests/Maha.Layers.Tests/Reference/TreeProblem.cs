using Maha.Layers.Attention;
using Maha.Layers.Trees;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Reference;

/// <summary>A random irregular tree with queries, keys and values.</summary>
internal sealed class TreeProblem
{
    public const int KeyDim = 3;
    public const int ValueDim = 2;

    private TreeProblem(HierarchyNode root, int seed, bool masked)
    {
        var random = new Random(seed);
        Root = root;
        double[][] rows(int count)
            => [.. Enumerable.Range(0, root.End).Select(_ => Enumerable.Range(0, count).Select(_ => (4 * random.NextDouble()) - 2).ToArray())];
        (Query, Key, Value) = (rows(KeyDim), rows(KeyDim), rows(ValueDim));
        Real = [.. Enumerable.Range(0, root.End).Select(_ => !masked || random.Next(3) > 0)];
        if (Real.Count(token => token) < 2)
            Array.Fill(Real, true);
    }

    public HierarchyNode Root { get; }

    public double[][] Query { get; }

    public double[][] Key { get; }

    public double[][] Value { get; }

    public bool[] Real { get; }

    public int Length => Root.End;

    public double Scale => 1 / Math.Sqrt(KeyDim);

    public HierarchyLayout Layout => HierarchyLayout.Packed([TokenHierarchy.FromTree(Root)]);

    public Tensor? Ignored => Real.All(token => token) ? null : tensor([.. Real.Select(token => !token)], [1, Length]);

    public static TreeProblem Random(int seed, bool masked) => new(RandomTree(new Random(seed), 0, 3 + (seed % 10), 3), seed, masked);

    public static TreeProblem On(HierarchyNode root, int seed, bool masked = false) => new(root, seed, masked);

    public static HierarchyNode RandomTree(Random random, int start, int end, int depth)
    {
        if (depth == 0 || (end - start == 1 && random.Next(2) == 0))
            return end - start == 1 ? HierarchyNode.Leaf(start) : HierarchyNode.FromTokens(start, end);
        var children = new List<HierarchyNode>();
        for (int at = start; at < end;)
        {
            int next = Math.Min(end, at + 1 + random.Next(Math.Max(1, end - start)));
            children.Add(random.Next(4) == 0 && next - at == 1 ? HierarchyNode.Leaf(at) : RandomTree(random, at, next, depth - 1));
            at = next;
        }
        return new HierarchyNode(start, end, children);
    }

    public double Logit(int i, int j) => Scale * Query[i].Zip(Key[j], (x, y) => x * y).Sum();

    public Tensor Operand(double[][] rows, ScalarType type = ScalarType.Float64)
        => tensor(rows.SelectMany(row => row).ToArray(), [1, rows.Length, rows[0].Length]).to(type);

    public HierarchicalResult Attend(HierarchicalForm form, bool selfAttend = true, ScalarType type = ScalarType.Float64, HierarchyLayout? layout = null) =>
        HierarchicalAttention.Apply(Operand(Query, type), Operand(Key, type), Operand(Value, type), layout ?? Layout,
            new HierarchicalSettings(form, Scale, selfAttend), Ignored);

    /// <summary>Computes the attention weights: the outputs for unit vectors as values.</summary>
    public Tensor Theta(HierarchicalForm form, bool selfAttend = true, HierarchyLayout? layout = null) =>
        HierarchicalAttention.Apply(Operand(Query), Operand(Key), eye(Length, dtype: ScalarType.Float64).unsqueeze(0), layout ?? Layout,
            new HierarchicalSettings(form, Scale, selfAttend), Ignored).Output[0];

    public static Tensor Matrix(double[][] rows) => tensor(rows.SelectMany(row => row).ToArray(), [rows.Length, rows[0].Length]);
}
