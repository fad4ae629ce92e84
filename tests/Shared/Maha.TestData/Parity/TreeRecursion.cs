using Maha.Layers.Trees;


namespace Maha.TestData.Parity;

/// <summary>
/// Hierarchical attention as it is derived, by recursion over nested spans in float64: a slow reference for the layers, and the forms that exist in theory
/// only.
/// </summary>
/// <remarks>
/// With <paramref name="causal"/> a node attends only to siblings to its left: the row-tied causal optimum, whose rows depend on later tokens of their block.
/// </remarks>
/// <param name="query">[N][K].</param>
/// <param name="key">[N][K].</param>
/// <param name="real">False for masked tokens.</param>
/// <param name="scale">The factor of the logits.</param>
/// <param name="selfAttend">Whether a token attends to itself.</param>
/// <param name="causal">Whether a node attends only to siblings to its left.</param>
public sealed class TreeRecursion(double[][] query, double[][] key, bool[] real, double scale, bool selfAttend, bool causal)
{
    /// <summary>The weights [N][N] of the optimum on a tree; rows of masked tokens are 0.</summary>
    public double[][] Theta { get; } = [.. query.Select(_ => new double[query.Length])];

    /// <summary>The logarithms of the weights, which distinguish weights that underflow.</summary>
    public double[][] LogTheta { get; } = [.. query.Select(_ => Enumerable.Repeat(double.NegativeInfinity, query.Length).ToArray())];

    /// <summary>phi of the root.</summary>
    public double PhiRoot { get; private set; }

    /// <summary>Computes the weights on a tree.</summary>
    internal static TreeRecursion Solve(HierarchyNode root, double[][] query, double[][] key, bool[] real, double scale, bool selfAttend, bool causal)
    {
        var recursion = new TreeRecursion(query, key, real, scale, selfAttend, causal);
        recursion.PhiRoot = recursion.Phi(root);
        recursion.Down(root, 1, 0);
        return recursion;
    }

    /// <summary>The strictly causal form T, whose row i is the last row of the row-tied causal optimum on the tokens up to i.</summary>
    internal static TreeRecursion LastRows(HierarchyNode root, double[][] query, double[][] key, double scale)
    {
        var result = new TreeRecursion(query, key, [.. query.Select(_ => true)], scale, selfAttend: true, causal: true);
        for (int i = 0; i < query.Length; i++)
        {
            var prefix = Solve(root, query, key, [.. query.Select((_, j) => j <= i)], scale, selfAttend: true, causal: true);
            (result.Theta[i], result.LogTheta[i]) = (prefix.Theta[i], prefix.LogTheta[i]);
        }
        return result;
    }

    /// <summary>
    /// The strictly causal form K, whose row i weighs its own token and the nodes to the left of it and of its ancestors by its own query:
    /// one softmax over log |C| + scale * q_i . mean key of C, each node's weight shared by its tokens.
    /// </summary>
    internal static TreeRecursion ColumnTied(HierarchyNode root, double[][] query, double[][] key, bool[] real, double scale, bool selfAttend)
    {
        var result = new TreeRecursion(query, key, real, scale, selfAttend, causal: true);
        for (int i = 0; i < query.Length; i++)
        {
            if (real[i])
                result.FillRow(root, i);
        }
        return result;
    }

    private void FillRow(HierarchyNode root, int row)
    {
        var own = new HierarchyNode(row, row + 1, []);
        var seen = new List<(HierarchyNode Node, double Logit)>();
        if (selfAttend)
            seen.Add((own, Logit(row, row)));
        for (var node = root; node.Children.Count > 0; node = node.Children.Single(child => child.Start <= row && row < child.End))
        {
            foreach (var left in node.Children.Where(child => child.End <= row && Size(child) > 0))
                seen.Add((left, Math.Log(Size(left)) + MeanLogit(own, left)));
        }
        if (seen.Count == 0)
            return;
        double sum = LogSum(seen.Select(entry => entry.Logit)), largest = seen.Max(entry => entry.Logit);
        double total = seen.Sum(entry => Exponential(entry.Logit, largest));
        foreach (var (node, logit) in seen)
            Fill(own, node, Exponential(logit, largest) / total / Size(node), logit - sum - Math.Log(Size(node)));
    }

    private static IEnumerable<int> Tokens(HierarchyNode node) => Enumerable.Range(node.Start, node.End - node.Start);

    private IEnumerable<int> Real(HierarchyNode node) => Tokens(node).Where(token => real[token]);

    private int Size(HierarchyNode node) => Real(node).Count();

    private double Logit(int row, int column) => scale * query[row].Zip(key[column], (x, y) => x * y).Sum();

    private double MeanLogit(HierarchyNode rows, HierarchyNode columns)
    {
        double[] mean(HierarchyNode node, double[][] vectors) =>
            [.. Enumerable.Range(0, vectors[0].Length).Select(k => Real(node).Sum(token => vectors[token][k]) / Size(node))];
        return scale * mean(rows, query).Zip(mean(columns, key), (x, y) => x * y).Sum();
    }

    private double Phi(HierarchyNode node)
    {
        if (node.Children.Count == 0)
            return selfAttend ? -Logit(node.Start, node.Start) : double.PositiveInfinity;
        return -node.Children.Where(child => Size(child) > 0)
            .Sum(child => Size(child) / (double)Size(node) * LogSum(Family(node, child).Select(entry => entry.Logit)));
    }

    // The logits of a child over the children that it attends to.
    private List<(HierarchyNode Node, double Logit)> Family(HierarchyNode node, HierarchyNode child)
    {
        var seen = new List<(HierarchyNode, double)>();
        foreach (var other in node.Children.Where(other => Size(other) > 0))
        {
            if (ReferenceEquals(other, child))
                seen.Add((other, -Phi(child)));
            else if (!causal || other.Start < child.Start)
                seen.Add((other, Math.Log(Size(other)) + MeanLogit(child, other)));
        }
        return seen;
    }

    private void Down(HierarchyNode node, double mass, double logMass)
    {
        foreach (var child in node.Children.Where(child => Size(child) > 0))
        {
            var family = Family(node, child);
            double sum = LogSum(family.Select(entry => entry.Logit)), largest = family.Max(entry => entry.Logit);
            double total = family.Sum(entry => Exponential(entry.Logit, largest));
            foreach (var (other, logit) in family)
            {
                double weight = total == 0 ? 0 : Exponential(logit, largest) / total;
                double logWeight = total == 0 ? double.NegativeInfinity : logit - sum;
                if (!ReferenceEquals(other, child))
                    Fill(child, other, mass * weight / Size(other), logMass + logWeight - Math.Log(Size(other)));
                else if (child.Children.Count == 0)
                    Fill(child, child, mass * weight, logMass + logWeight);
                else
                    Down(child, mass * weight, logMass + logWeight);
            }
        }
    }

    private void Fill(HierarchyNode rows, HierarchyNode columns, double weight, double logWeight)
    {
        foreach (int row in Real(rows))
        {
            foreach (int column in Real(columns))
                (Theta[row][column], LogTheta[row][column]) = (weight, logWeight);
        }
    }

    private static double LogSum(IEnumerable<double> logits)
    {
        double[] all = [.. logits];
        double largest = all.Max();
        return double.IsNegativeInfinity(largest) ? largest : largest + Math.Log(all.Sum(logit => Math.Exp(logit - largest)));
    }

    private static double Exponential(double logit, double largest) => double.IsNegativeInfinity(logit) ? 0 : Math.Exp(logit - largest);
}
