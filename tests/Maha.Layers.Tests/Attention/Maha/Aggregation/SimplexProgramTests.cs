using Maha.Layers.Attention;
using Maha.Layers.Tests.Reference;


namespace Maha.Layers.Tests.Attention;

public class SimplexProgramTests
{
    // The bound that the specification gives for float64.
    private const double ResidualBound = 1e-9;
    private static readonly double[] s_rhos = [0, 1e-3, 0.1, 1, 10, 1e3, 1e6];

    [Fact]
    public void Residual_StaysBelowTheBound_OnRandomAndDegenerateProgrammes()
    {
        var random = new Random(3);
        for (int instance = 0; instance < 4000; instance++)
        {
            int scales = 1 + random.Next(12), available = 1 + random.Next(scales);
            double[] gram = GramInstances.Of(random, scales, (GramKind)(instance % 4));
            double rho = s_rhos[random.Next(s_rhos.Length)], magnitude = Math.Pow(10, random.Next(-6, 7));
            double[] linear = instance % 7 == 0
                ? new double[scales] : [.. Enumerable.Range(0, scales).Select(_ => magnitude * ((2 * random.NextDouble()) - 1))];
            double[] weights = new double[scales];
            var (residual, steps) = new SimplexProgram(gram, rho, scales, available).Solve(linear, weights);
            Assert.True(residual < ResidualBound, $"instance {instance}: S {scales}, rho {rho}, magnitude {magnitude}: residual {residual:E2}");
            Assert.InRange(steps, 1, 5 + (2 * (1 << available)));
            Assert.Equal(1, weights.Sum(), 1e-12);
            Assert.All(weights, weight => Assert.True(weight >= 0));
            Assert.All(weights[available..], weight => Assert.Equal(0, weight));

            // The weights rounded to float32 satisfy the float32 bound. For a larger rho, rounding alone may exceed it (rho * 2^-24).
            if (rho <= 10)
                Assert.True(KktResidual(gram, rho, linear, [.. weights.Select(weight => (double)(float)weight)], available) < 1e-5);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Solution_IsNotWorseThanAnyPointOfAGrid(int scales)
    {
        var random = new Random(4);
        for (int instance = 0; instance < 40; instance++)
        {
            double[] gram = GramInstances.Of(random, scales, (GramKind)(instance % 4));
            double rho = s_rhos[instance % 5];
            double[] linear = [.. Enumerable.Range(0, scales).Select(_ => random.NextDouble() * 2)];
            double[] weights = new double[scales];
            new SimplexProgram(gram, rho, scales, scales).Solve(linear, weights);
            double value = Objective(gram, rho, linear, weights);
            foreach (double[] point in SimplexGrid.Points(scales, 24))
                Assert.True(value <= Objective(gram, rho, linear, point) + 1e-12, $"instance {instance}: the grid has a lower objective");
        }
    }

    [Fact]
    public void ActiveSet_EqualsEnumeration_WhereBothApply()
    {
        // Six scales, one of which always has the weight 0: the active-set solver must agree with enumeration over the first five.
        var random = new Random(5);
        for (int instance = 0; instance < 300; instance++)
        {
            double[] gram = GramInstances.Of(random, 6, (GramKind)(instance % 4));
            double rho = s_rhos[instance % s_rhos.Length];
            double[] linear = [.. Enumerable.Range(0, 6).Select(s => s == 5 ? -1e3 : random.NextDouble())];
            double[] five = new double[6], six = new double[6];
            new SimplexProgram(gram, rho, 6, 5).Solve(linear, five);
            var (residual, _) = new SimplexProgram(gram, rho, 6, 6).Solve(linear, six);
            if (six[5] > 0)
                continue;
            Assert.True(residual < ResidualBound);
            Assert.Equal(Objective(gram, rho, linear, five), Objective(gram, rho, linear, six), 1e-6 * Math.Max(1, rho) * 1e-3);
        }
    }

    [Fact]
    public void NoRedundancyPrice_IsTheProjectionOnTheSimplex()
    {
        double[] weights = new double[3];
        new SimplexProgram(new double[9], 0, 3, 3).Solve([0.5, 0.2, -3], weights);
        Assert.Equal([0.65, 0.35, 0], weights.Select(w => Math.Round(w, 12)));
    }

    [Fact]
    public void LastSupport_DoesNotChangeTheSolution()
    {
        var random = new Random(6);
        foreach (int scales in new[] { 4, 8 })
        {
            double[] gram = GramInstances.Of(random, scales, GramKind.Random);
            var warm = new SimplexProgram(gram, 0.7, scales, scales);
            for (int row = 0; row < 200; row++)
            {
                double[] linear = [.. Enumerable.Range(0, scales).Select(_ => 3 * random.NextDouble())];
                double[] first = new double[scales], second = new double[scales];
                warm.Solve(linear, first);
                new SimplexProgram(gram, 0.7, scales, scales).Solve(linear, second);
                for (int s = 0; s < scales; s++)
                    Assert.Equal(second[s], first[s], 1e-13);
            }
        }
    }

    [Fact]
    public void Gradient_EqualsCentralDifferences_WhereComplementarityIsStrict()
    {
        const double step = 1e-6, margin = 1e-4;
        var random = new Random(7);
        int compared = 0;
        for (int instance = 0; instance < 400; instance++)
        {
            int scales = 2 + random.Next(7);
            double[] gram = GramInstances.Of(random, scales, GramKind.Random);
            double rho = 3 * random.NextDouble();
            double[] linear = [.. Enumerable.Range(0, scales).Select(_ => random.NextDouble())],
            direction = [.. Enumerable.Range(0, scales).Select(_ => random.NextDouble() - 0.5)];
            var program = new SimplexProgram(gram, rho, scales, scales);
            double[] weights = new double[scales], gradient = new double[scales], shifted = new double[scales];
            program.Solve(linear, weights);
            if (!Strict(gram, rho, linear, weights, margin))
                continue;
            program.Backward(weights, direction, gradient);
            for (int s = 0; s < scales; s++)
            {
                double Value(double by)
                {
                    double[] moved = [.. linear];
                    moved[s] += by;
                    program.Solve(moved, shifted);
                    return shifted.Zip(direction, (a, b) => a * b).Sum();
                }
                Assert.Equal((Value(step) - Value(-step)) / (2 * step), gradient[s], 1e-8);
                compared++;
            }
        }
        Assert.True(compared > 1000);
    }

    [Fact]
    public void Gradient_AtTies_IsFinite()
    {
        double[] weights = new double[3], gradient = new double[3];
        var program = new SimplexProgram([1, 1, 1, 1, 1, 1, 1, 1, 1], 1e6, 3, 3);
        program.Solve([0, 0, 0], weights);
        program.Backward(weights, [1, -2, 0.5], gradient);
        Assert.All(gradient, value => Assert.True(double.IsFinite(value)));
    }

    [Fact]
    public void InfiniteUtility_GivesANaNResidual()
    {
        double[] weights = new double[2];
        Assert.True(double.IsNaN(new SimplexProgram([1, 0, 0, 1], 1, 2, 2).Solve([double.PositiveInfinity, 0], weights).Residual));
    }

    private static double Objective(double[] gram, double rho, double[] linear, double[] a)
    {
        double value = 0;
        for (int s = 0; s < a.Length; s++)
        {
            value += (0.5 * a[s] * a[s]) - (linear[s] * a[s]);
            for (int m = 0; m < a.Length; m++)
                value += 0.5 * rho * gram[(s * a.Length) + m] * a[s] * a[m];
        }
        return value;
    }

    private static (double[] Gradient, double Level) Stationarity(double[] gram, double rho, double[] linear, double[] a)
    {
        double[] gradient = new double[a.Length];
        for (int s = 0; s < a.Length; s++)
        {
            gradient[s] = a[s] - linear[s];
            for (int m = 0; m < a.Length; m++)
                gradient[s] += rho * gram[(s * a.Length) + m] * a[m];
        }
        return (gradient, gradient.Zip(a, (g, w) => g * w).Sum());
    }

    private static bool Strict(double[] gram, double rho, double[] linear, double[] a, double margin)
    {
        var (gradient, level) = Stationarity(gram, rho, linear, a);
        return Enumerable.Range(0, a.Length).All(s => a[s] > margin || (a[s] == 0 && gradient[s] > level + margin));
    }

    // Independent of the solver's own residual: relative to max(1, |M a|, |c|), as the specification defines it.
    private static double KktResidual(double[] gram, double rho, double[] linear, double[] a, int available)
    {
        var (gradient, level) = Stationarity(gram, rho, linear, a);
        double worst = Math.Abs(a.Sum() - 1), magnitude = 1;
        for (int s = 0; s < available; s++)
        {
            worst = Math.Max(worst, a[s] > 0 ? Math.Abs(gradient[s] - level) : level - gradient[s]);
            magnitude = Math.Max(magnitude, Math.Max(Math.Abs(linear[s]), Math.Abs(gradient[s] + linear[s])));
        }
        return worst / magnitude;
    }
}
