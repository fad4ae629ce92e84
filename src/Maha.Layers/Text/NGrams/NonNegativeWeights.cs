namespace Maha.Layers.Text;

// n documents, C classes, K sources

/// <summary>
/// Fits the weights of sources of scores to documents that none of them was fitted to. No weight is negative, so that the scores of a source never count as
/// their opposite (Breiman 1996).
/// </summary>
internal static class NonNegativeWeights
{
    private const int MaxSteps = 100;

    // Several times the gain in log loss that random labels allow by chance.
    private const double CertainGain = 8;
    private const double SmallestPart = 0.05;

    // Sources with equal scores would make the matrix singular.
    private const double SmallestCurvature = 1e-9;

    /// <summary>
    /// Fits the weights, and shrinks them if the sources are hardly better than the offsets alone. If the sum of the log losses falls by less than
    /// <see cref="CertainGain"/>, the weights are multiplied by (gain / CertainGain)^2, but by at least <see cref="SmallestPart"/>.
    /// </summary>
    public static double[] FitShrunk(IReadOnlyList<WeightingDocument> documents, IReadOnlyList<ExpectedWeight> expected, CancellationToken cancellationToken)
    {
        double[] weights = Fit(documents, expected, cancellationToken);
        ExpectedWeight[] free = [.. expected.Select(_ => new ExpectedWeight(0, 0))];
        double gain = Value(documents, free, new double[weights.Length], null, null) - Value(documents, free, weights, null, null);
        double part = Math.Clamp(gain <= 0 ? 0 : Math.Pow(gain / CertainGain, 2), SmallestPart, 1);
        return [.. weights.Select(weight => part * weight)];
    }

    /// <summary>Fits the weights: minimizes the sum of the log losses and the penalties of <see cref="ExpectedWeight"/> by projected Newton steps.</summary>
    /// <param name="documents">n documents.</param>
    /// <param name="expected">The prior of each source's weight.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    public static double[] Fit(IReadOnlyList<WeightingDocument> documents, IReadOnlyList<ExpectedWeight> expected, CancellationToken cancellationToken)
    {
        int count = expected.Count;
        double[] weights = [.. expected.Select(weight => weight.Expected)], gradient = new double[count];
        double[,] curvature = new double[count, count];
        for (int step = 0; step < MaxSteps; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            double value = Value(documents, expected, weights, gradient, curvature);
            double[] direction = Direction(weights, gradient, curvature);
            double[] next = weights;
            double length = 1;
            for (int halving = 0; halving < 40; halving++, length /= 2)
            {
                double[] tried = new double[count];
                for (int k = 0; k < count; k++)
                {
                    double moved = weights[k] + length * direction[k];
                    tried[k] = expected[k].IsPositive ? Math.Max(moved, weights[k] / 10) : Math.Max(0, moved);
                }
                if (Value(documents, expected, tried, null, null) <= value)
                {
                    next = tried;
                    break;
                }
            }
            bool ends = next.Zip(weights).Sum(pair => Math.Abs(pair.First - pair.Second)) < 1e-6;
            weights = next;
            if (ends)
                break;
        }
        return weights;
    }

    // The Newton step of the weights that are free. A weight at 0 is not, if the loss would increase with it.
    private static double[] Direction(double[] weights, double[] gradient, double[,] curvature)
    {
        int[] free = [.. Enumerable.Range(0, weights.Length).Where(k => weights[k] > 0 || gradient[k] < 0)];
        double[] direction = new double[weights.Length];
        double[,] system = new double[free.Length, free.Length + 1];
        for (int i = 0; i < free.Length; i++)
        {
            for (int j = 0; j < free.Length; j++)
                system[i, j] = curvature[free[i], free[j]] + (i == j ? SmallestCurvature : 0);
            system[i, free.Length] = -gradient[free[i]];
        }
        // The matrix is positive definite: elimination needs no pivoting.
        for (int i = 0; i < free.Length; i++)
        {
            for (int row = i + 1; row < free.Length; row++)
            {
                double factor = system[row, i] / system[i, i];
                for (int column = i; column <= free.Length; column++)
                    system[row, column] -= factor * system[i, column];
            }
        }

        for (int i = free.Length - 1; i >= 0; i--)
        {
            double value = system[i, free.Length];
            for (int j = i + 1; j < free.Length; j++)
                value -= system[i, j] * direction[free[j]];
            direction[free[i]] = value / system[i, i];
        }
        return direction;
    }

    // Returns the penalized loss; writes its gradient and its Hessian unless they are null.
    private static double Value(
        IReadOnlyList<WeightingDocument> documents, IReadOnlyList<ExpectedWeight> expected, double[] weights, double[]? gradient, double[,]? curvature)
    {
        int count = weights.Length;
        double value = 0;
        if (gradient is not null)
        {
            Array.Clear(gradient);
            Array.Clear(curvature!);
        }
        for (int k = 0; k < count; k++)
        {
            var (center, strength, isPositive) = expected[k];
            if (strength == 0)
                continue;
            double u = weights[k];
            value += strength * (isPositive ? u / center - Math.Log(u / center) : (u - center) * (u - center) / 2);
            if (gradient is not null)
            {
                gradient[k] += strength * (isPositive ? 1 / center - 1 / u : u - center);
                curvature![k, k] += strength * (isPositive ? 1 / (u * u) : 1);
            }
        }
        // Under the softmax: the mean of each source's scores, and the mean of the products of two sources.
        double[] mean = new double[count];
        double[,] square = new double[count, count];
        double[] logits = [];
        foreach (var document in documents)
        {
            int classes = document.Sources[0].Length;
            if (logits.Length < classes)
                logits = new double[classes];
            double max = document.Rest > 0 ? 0 : double.NegativeInfinity;
            for (int c = 0; c < classes; c++)
            {
                double z = document.Offsets?[c] ?? 0;
                for (int k = 0; k < count; k++)
                    z += weights[k] * document.Sources[k][c];
                logits[c] = z;
                max = Math.Max(max, z);
            }
            double ofLabel = logits[document.Label], sum = document.Rest > 0 ? document.Rest * Math.Exp(-max) : 0;
            for (int c = 0; c < classes; c++)
                sum += logits[c] = Math.Exp(logits[c] - max);
            value += document.Weight * (Math.Log(sum) + max - ofLabel);
            if (gradient is null)
                continue;
            Array.Clear(mean);
            Array.Clear(square);
            for (int c = 0; c < classes; c++)
            {
                double p = logits[c] / sum;
                for (int k = 0; k < count; k++)
                {
                    double part = p * document.Sources[k][c];
                    mean[k] += part;
                    for (int other = 0; other <= k; other++)
                        square[k, other] += part * document.Sources[other][c];
                }
            }
            for (int k = 0; k < count; k++)
            {
                gradient[k] += document.Weight * (mean[k] - document.Sources[k][document.Label]);
                for (int other = 0; other <= k; other++)
                {
                    double both = document.Weight * (square[k, other] - mean[k] * mean[other]);
                    curvature![k, other] += both;
                    if (other < k)
                        curvature[other, k] += both;
                }
            }
        }
        return value;
    }
}
