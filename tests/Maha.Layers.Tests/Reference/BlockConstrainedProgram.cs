using Maha.Layers.Trees;


namespace Maha.Layers.Tests.Reference;

/// <summary>
/// The optimum under the block constraint by Newton's method on the dual of the convex program, with one multiplier per row. It does not use the recursion.
/// </summary>
/// <remarks>Minimize the sum over pairs of theta (log theta - s), where theta is one number per block and each row sums to 1.</remarks>
internal static class BlockConstrainedProgram
{
    public static double[][] Solve(HierarchyNode root, Func<int, int, double> logit, bool[] real, bool selfAttend)
    {
        int[] rows = [.. Enumerable.Range(0, real.Length).Where(i => real[i])];
        var blocks = new List<(int[] Rows, int[] Columns)>();
        Collect(root, real, selfAttend, blocks);
        double[] means = [.. blocks.Select(block => block.Rows.Average(i => block.Columns.Average(j => logit(i, j))))];
        double[] multipliers = new double[rows.Length];
        for (int step = 0; step < 300; step++)
        {
            var (gradient, hessian) = Derivatives(multipliers);
            if (gradient.Max(Math.Abs) < 1e-11)
                break;
            double[] direction = Linear(hessian, gradient);
            double size = 1, before = Dual(multipliers);
            while (size > 1e-12 && !(Dual(Moved(size)) >= before))
                size /= 2;
            multipliers = Moved(size);

            double[] Moved(double by) => [.. multipliers.Zip(direction, (x, d) => x + (by * d))];
        }
        double[][] theta = [.. real.Select(_ => new double[real.Length])];
        for (int block = 0; block < blocks.Count; block++)
        {
            foreach (int i in blocks[block].Rows)
            {
                foreach (int j in blocks[block].Columns)
                    theta[i][j] = Weight(block, multipliers);
            }
        }
        return theta;

        // From the derivative of the Lagrangian: log theta = mean logit - 1 + mean multiplier of the block's rows.
        double Weight(int block, double[] at) => Math.Exp(means[block] - 1 + blocks[block].Rows.Average(i => at[Array.IndexOf(rows, i)]));

        double Dual(double[] at) => at.Sum() - Enumerable.Range(0, blocks.Count).Sum(k => blocks[k].Rows.Length * blocks[k].Columns.Length * Weight(k, at));

        (double[] Gradient, double[,] Hessian) Derivatives(double[] at)
        {
            double[] gradient = [.. rows.Select(_ => 1.0)];
            double[,] hessian = new double[rows.Length, rows.Length];
            for (int k = 0; k < blocks.Count; k++)
            {
                int[] inside = [.. blocks[k].Rows.Select(i => Array.IndexOf(rows, i))];
                double weight = Weight(k, at) * blocks[k].Columns.Length;
                foreach (int i in inside)
                {
                    gradient[i] -= weight;
                    foreach (int j in inside)
                        hessian[i, j] += weight / inside.Length;
                }
            }
            for (int i = 0; i < rows.Length; i++)
                hessian[i, i] += 1e-13; // without self some multipliers move no weight
            return (gradient, hessian);
        }
    }

    private static void Collect(HierarchyNode node, bool[] real, bool selfAttend, List<(int[] Rows, int[] Columns)> blocks)
    {
        int[] tokens(HierarchyNode part) => [.. Enumerable.Range(part.Start, part.End - part.Start).Where(token => real[token])];
        if (node.Children.Count == 0 && selfAttend && real[node.Start])
            blocks.Add(([node.Start], [node.Start]));
        foreach (var child in node.Children)
        {
            Collect(child, real, selfAttend, blocks);
            foreach (var other in node.Children.Where(other => !ReferenceEquals(other, child)))
            {
                if (tokens(child).Length > 0 && tokens(other).Length > 0)
                    blocks.Add((tokens(child), tokens(other)));
            }
        }
    }

    // Gaussian elimination with row exchanges.
    private static double[] Linear(double[,] matrix, double[] right)
    {
        int n = right.Length;
        var (a, b) = ((double[,])matrix.Clone(), (double[])right.Clone());
        for (int column = 0; column < n; column++)
        {
            int pivot = Enumerable.Range(column, n - column).MaxBy(row => Math.Abs(a[row, column]));
            for (int k = 0; k < n; k++)
                (a[column, k], a[pivot, k]) = (a[pivot, k], a[column, k]);
            (b[column], b[pivot]) = (b[pivot], b[column]);
            for (int row = column + 1; row < n; row++)
            {
                double factor = a[row, column] / a[column, column];
                for (int k = column; k < n; k++)
                    a[row, k] -= factor * a[column, k];
                b[row] -= factor * b[column];
            }
        }
        for (int row = n - 1; row >= 0; row--)
        {
            for (int k = row + 1; k < n; k++)
                b[row] -= a[row, k] * b[k];
            b[row] /= a[row, row];
        }
        return b;
    }
}
