namespace Microsoft.ML.Trainers;

/// <summary>
/// Minimizes sum_i weight_i * logLoss_i + l2 / 2 * |W|^2 + l1 * |W| for linear logistic models with unregularized biases.
/// </summary>
/// <remarks>
/// With l1, nearly all of a text's 10^5 features stay at zero, so OWL-QN runs on a working set: the features whose
/// gradient exceeds l1 or whose weight is not zero. It grows until no feature outside violates the optimality condition,
/// which makes the result the optimum over all features.
/// </remarks>
internal sealed class LogisticSolver
{
    // Bounds the L-BFGS history: 2 pairs of this many float64 values each take 1 GiB in all.
    private const long MaxHistoryValues = 1L << 26;

    private const double RoughTolerance = 1e-4;

    private readonly TrainingExamples _examples;
    private readonly int _numClasses;
    private readonly int _numThreads;

    public LogisticSolver(TrainingExamples examples, int numClasses, int numThreads)
    {
        _examples = examples;
        _numClasses = numClasses;
        _numThreads = numThreads;
        Biases = new double[numClasses];
        Weights = new float[numClasses][];
        for (int c = 0; c < numClasses; c++)
            Weights[c] = new float[examples.NumFeatures];
    }

    public required double L1 { get; init; }

    public required double L2 { get; init; }

    public required double Tolerance { get; init; }

    public required int HistorySize { get; init; }

    public required int MaxIterations { get; init; }

    public required bool NonNegative { get; init; }

    /// <summary>In: the start. Out: the result.</summary>
    public double[] Biases { get; }

    /// <summary>In: the start. Out: the result; one vector of all features per class.</summary>
    public float[][] Weights { get; }

    public int Iterations { get; private set; }

    /// <summary>Returns the objective. <paramref name="report"/> gets (iterations, objective) after each iteration.</summary>
    public double Solve(Action<int, double> report)
    {
        var all = UsedFeatures();
        var everything = new SparseColumns(_examples, all, _numClasses, _numThreads);
        int stride = everything.Stride;
        var working = new bool[all.Length];
        var parameters = new double[(all.Length + 1) * stride];
        var gradient = new double[parameters.Length];
        for (int c = 0; c < _numClasses; c++)
        {
            parameters[c] = Biases[c];
            for (int j = 0; j < all.Length; j++)
                parameters[(j + 1) * stride + c] = NonNegative ? Math.Max(0, Weights[c][all[j]]) : Weights[c][all[j]];
        }

        // While the working set still grows, a rough optimum tells the missing features as well as an exact one.
        double tolerance = L1 == 0 ? Tolerance : Math.Max(Tolerance, RoughTolerance);
        var objective = new LogisticObjective(_examples, everything, _numClasses, L2);
        objective.Evaluate(parameters, gradient);
        AddViolators(working, parameters, gradient, stride);
        double value = SolveOn(all, working, parameters, tolerance, report);
        while (L1 > 0 && Iterations < MaxIterations)
        {
            objective.Evaluate(parameters, gradient);
            if (AddViolators(working, parameters, gradient, stride) == 0)
            {
                if (tolerance == Tolerance)
                    break;
                tolerance = Tolerance;
            }

            value = SolveOn(all, working, parameters, tolerance, report);
        }

        for (int c = 0; c < _numClasses; c++)
        {
            Biases[c] = parameters[c];
            Array.Clear(Weights[c]);
            for (int j = 0; j < all.Length; j++)
                Weights[c][all[j]] = (float)parameters[(j + 1) * stride + c];
        }

        return value;
    }

    private int[] UsedFeatures()
    {
        var used = new bool[_examples.NumFeatures];
        for (int row = 0; row < _examples.NumRows; row++)
        {
            foreach (int column in _examples.Columns(row))
                used[column] = true;
        }

        return Enumerable.Range(0, used.Length).Where(j => used[j]).ToArray();
    }

    // Returns how many features joined the working set.
    private int AddViolators(bool[] working, double[] parameters, double[] gradient, int stride)
    {
        // A violation this small changes the objective by less than its square.
        double limit = L1 * (1 + 1e-6);
        int added = 0;
        for (int j = 0; j < working.Length; j++)
        {
            if (working[j])
                continue;
            for (int c = 0; c < _numClasses && !working[j]; c++)
            {
                int at = (j + 1) * stride + c;
                working[j] = L1 == 0 || parameters[at] != 0 || (NonNegative ? -gradient[at] : Math.Abs(gradient[at])) > limit;
            }

            if (working[j])
                added++;
        }

        return added;
    }

    private double SolveOn(int[] all, bool[] working, double[] parameters, double tolerance, Action<int, double> report)
    {
        var chosen = Enumerable.Range(0, all.Length).Where(j => working[j]).ToArray();
        var columns = new SparseColumns(_examples, chosen.Select(j => all[j]).ToArray(), _numClasses, _numThreads);
        int stride = columns.Stride;
        var objective = new LogisticObjective(_examples, columns, _numClasses, L2);
        var x = new double[(chosen.Length + 1) * stride];
        Array.Copy(parameters, x, stride);
        for (int k = 0; k < chosen.Length; k++)
            Array.Copy(parameters, (chosen[k] + 1) * stride, x, (k + 1) * stride, stride);

        // The scale of the tolerance is the mean loss, that of the solver the mean too.
        double scale = 1 / _examples.WeightSum;
        int history = (int)Math.Clamp(MaxHistoryValues / x.Length, 1, HistorySize);
        var solver = new OrthantWiseLbfgs(Mean, L1 * scale, stride, history, NonNegative);
        int before = Iterations;
        double value = solver.Minimize(x, tolerance, MaxIterations - Iterations, v =>
        {
            Iterations = before + solver.Iterations;
            report(Iterations, v / scale);
        });

        Array.Copy(x, parameters, stride);
        for (int k = 0; k < chosen.Length; k++)
            Array.Copy(x, (k + 1) * stride, parameters, (chosen[k] + 1) * stride, stride);
        return value / scale;

        double Mean(double[] at, double[] gradient)
        {
            double loss = objective.Evaluate(at, gradient);
            for (int i = 0; i < gradient.Length; i++)
                gradient[i] *= scale;
            return loss * scale;
        }
    }
}
