using Microsoft.ML.Trainers;

namespace Maha.Embedded.MicrosoftML.Tests.Trainers;

public class LogisticSolverTests
{
    // The trainers promise 1e-4; the solver itself does better.
    private const double RelativeTolerance = 1e-5;

    [Theory]
    [InlineData(1, 1.0, 1.0, false)]
    [InlineData(1, 0.0, 1.0, false)]
    [InlineData(1, 5.0, 0.0, false)]
    [InlineData(1, 0.0, 0.1, true)]
    [InlineData(1, 1.0, 1.0, true)]
    [InlineData(4, 1.0, 1.0, false)]
    [InlineData(4, 0.0, 1.0, false)]
    [InlineData(4, 8.0, 0.5, false)]
    [InlineData(3, 1.0, 1.0, true)]
    [InlineData(9, 2.0, 1.0, false)]
    public void Objective_EqualsTheOptimumOfTheSlowTwin(int sets, double l1, double l2, bool nonNegative)
    {
        foreach (bool weighted in new[] { false, true })
        {
            var problem = Problems.Create(seed: 7 + sets, numRows: 90, numFeatures: 11, numClasses: Math.Max(2, sets), weighted);
            var slow = new SlowLogisticSolver(problem.Rows, problem.Labels, problem.Weights, sets) { NonNegative = nonNegative };
            var (optimum, _) = slow.Minimize(l1, l2);

            var solver = Solver(problem, sets, l1, l2, nonNegative);
            double reported = solver.Solve((_, _) => { });
            double reached = slow.Objective(Flatten(solver), l1, l2);

            Assert.True(reached <= optimum * (1 + RelativeTolerance), $"{reached} is above the optimum {optimum}");
            Assert.Equal(reached, reported, reached * 1e-6);
            if (nonNegative)
                Assert.All(solver.Weights.SelectMany(w => w), w => Assert.True(w >= 0));
        }
    }

    [Fact]
    public void StrongL1_SetsWeightsToExactlyZero()
    {
        var problem = Problems.Create(seed: 3, numRows: 60, numFeatures: 20, numClasses: 3);
        var solver = Solver(problem, 3, l1: 1e4, l2: 1, nonNegative: false);
        solver.Solve((_, _) => { });
        Assert.All(solver.Weights.SelectMany(w => w), w => Assert.Equal(0f, w));

        // What is left is the prior: softmax of the biases = class frequencies.
        double norm = solver.Biases.Sum(Math.Exp);
        for (int c = 0; c < 3; c++)
            Assert.Equal(problem.Labels.Count(l => l == c) / 60.0, Math.Exp(solver.Biases[c]) / norm, 1e-4);
    }

    [Fact]
    public void NumberOfThreads_DoesNotChangeTheResult()
    {
        var problem = Problems.Create(seed: 5, numRows: 80, numFeatures: 10, numClasses: 5);
        var one = Solver(problem, 5, 1, 1, false, threads: 1);
        var four = Solver(problem, 5, 1, 1, false, threads: 4);
        one.Solve((_, _) => { });
        four.Solve((_, _) => { });
        Assert.Equal(Flatten(one), Flatten(four));
    }

    [Fact]
    public void MaxIterations_Stops()
    {
        var problem = Problems.Create(seed: 5, numRows: 80, numFeatures: 10, numClasses: 5);
        var solver = new LogisticSolver(problem.ToExamples(), 5, 1)
        { L1 = 1, L2 = 1, Tolerance = 1e-12, HistorySize = 20, MaxIterations = 3, NonNegative = false };
        var reports = new List<int>();
        solver.Solve((iteration, _) => reports.Add(iteration));
        Assert.Equal([1, 2, 3], reports);
    }

    [Theory]
    [InlineData(1, 0f)]
    [InlineData(1, 0.25f)]
    [InlineData(4, 0f)]
    [InlineData(4, 0.1f)]
    public void DualAscent_ReachesTheOptimum_AndItsGapBoundsTheDistance(int sets, float l1Threshold)
    {
        var problem = Problems.Create(seed: 17, numRows: 70, numFeatures: 6, numClasses: Math.Max(2, sets));
        const float l2 = 0.02f;
        int n = problem.Rows.Length;
        var slow = new SlowLogisticSolver(problem.Rows, problem.Labels, problem.Weights, sets) { Pairwise = true, RegularizeBias = true };
        double optimum = slow.Minimize(l2 * l1Threshold * n, l2 * n).Value / n;

        var ascent = new DualCoordinateAscent(problem.ToExamples(), sets, l1Threshold) { L2 = l2, BiasLearningRate = 0 };
        var random = new Random(1);
        var order = Enumerable.Range(0, n).ToArray();
        double gap = 1;
        for (int epoch = 0; epoch < 3000 && gap > 1e-5; epoch++)
        {
            random.Shuffle(order);
            ascent.Epoch(order, () => { });
            gap = ascent.RelativeGap(() => { });
            Assert.True(ascent.Loss * (1 - gap) <= optimum * (1 + 1e-5), "the dual value must bound the optimum from below");
        }

        Assert.True(gap <= 1e-5, $"gap {gap}");
        var x = Enumerable.Range(0, sets).SelectMany(c => Enumerable.Range(0, 6).Select(j => (double)ascent.Weight(c, j)).Prepend(ascent.Bias(c))).ToArray();
        double reached = slow.Objective(x, l2 * l1Threshold * n, l2 * n) / n;
        Assert.Equal(reached, ascent.Loss, 1e-5);
        Assert.True(reached <= optimum * (1 + 2e-5), $"{reached} is above the optimum {optimum}");
    }

    private static LogisticSolver Solver(Problems problem, int sets, double l1, double l2, bool nonNegative, int threads = 2)
        => new(problem.ToExamples(), sets, threads)
        { L1 = l1, L2 = l2, Tolerance = 1e-7, HistorySize = 20, MaxIterations = int.MaxValue, NonNegative = nonNegative };

    private static double[] Flatten(LogisticSolver solver)
        => solver.Weights.SelectMany((w, c) => w.Select(v => (double)v).Prepend(solver.Biases[c])).ToArray();
}
