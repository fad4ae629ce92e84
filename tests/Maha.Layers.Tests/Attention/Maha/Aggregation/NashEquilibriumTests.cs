using Maha.Layers.Attention;
using Maha.Layers.Tests.Reference;


namespace Maha.Layers.Tests.Attention;

public class NashEquilibriumTests
{
    private const double Tolerance = 1e-10;
    private const int MaxIterations = 5000;

    [Fact]
    public void Residual_ReachesTheTolerance_OrConvergedIsFalse()
    {
        var random = new Random(8);
        int failed = 0;
        const int instances = 2000;
        for (int instance = 0; instance < instances; instance++)
        {
            int scales = 1 + random.Next(8);
            double[] gram = GramInstances.Of(random, scales, (GramKind)(instance % 4));
            double[] prices = [.. Enumerable.Range(0, scales).Select(_ => random.NextDouble() / 2)];
            double temperature = 0.25 + (2 * random.NextDouble());
            var game = new NashEquilibrium(gram, prices, temperature, scales);
            double[] weights = new double[scales];
            game.Solve(Tolerance, MaxIterations, weights);
            Assert.Equal(game.Converged, game.Residual <= Tolerance);
            Assert.Equal(1, weights.Sum(), 1e-9);
            failed += game.Converged ? 0 : 1;
            double[] response = Respond(gram, prices, temperature, weights);
            Assert.Equal(game.Residual, response.Zip(weights, (a, b) => Math.Abs(a - b)).Max(), 1e-12);
        }
        Assert.InRange(failed, 0, instances / 100);
    }

    [Fact]
    public void HighTemperature_AgreesWithBruteForce()
    {
        var random = new Random(9);
        for (int instance = 0; instance < 30; instance++)
        {
            double[] gram = GramInstances.Of(random, 3, (GramKind)(instance % 4));
            double[] prices = [.. Enumerable.Range(0, 3).Select(_ => random.NextDouble())];

            // Above the trace, hence above the largest eigenvalue: the equilibrium is unique.
            double temperature = gram[0] + gram[4] + gram[8] + 0.1;
            double[] weights = new double[3];
            new NashEquilibrium(gram, prices, temperature, 3).Solve(Tolerance, MaxIterations, weights);
            double[] best = SimplexGrid.Points(3, 120).MinBy(a => Respond(gram, prices, temperature, a).Zip(a, (x, y) => Math.Abs(x - y)).Max())!;
            for (int s = 0; s < 3; s++)
                Assert.Equal(best[s], weights[s], 0.03);
        }
    }

    [Fact]
    public void EqualScales_ShareEqually()
    {
        double[] weights = new double[4];
        var game = new NashEquilibrium([1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], new double[4], 0.5, 2);
        game.Solve(Tolerance, MaxIterations, weights);
        Assert.Equal([0.5, 0.5, 0, 0], weights);
        Assert.True(game.Converged);
    }

    [Theory]
    [InlineData(5000)]
    [InlineData(6)]
    public void Gradient_EqualsCentralDifferences_ImplicitAndUnrolled(int cap)
    {
        const double tolerance = 1e-14, step = 1e-5;
        var random = new Random(10);
        for (int instance = 0; instance < 100; instance++)
        {
            int scales = 2 + random.Next(4), i = random.Next(scales), j = random.Next(scales);
            double[] gram = GramInstances.Of(random, scales, GramKind.Random), prices = [.. Enumerable.Range(0, scales).Select(_ => random.NextDouble())];
            double temperature = 1 + (2 * random.NextDouble());
            double[] direction = [.. Enumerable.Range(0, scales).Select(_ => random.NextDouble() - 0.5)], weights = new double[scales];
            double[] gramGradient = new double[scales * scales], priceGradient = new double[scales];
            var game = new NashEquilibrium(gram, prices, temperature, scales);
            game.Solve(tolerance, cap, weights);
            game.Backward(tolerance, cap, weights, direction, gramGradient, priceGradient);
            double Value(double onGram, double onPrice)
            {
                double[] movedGram = [.. gram], movedPrices = [.. prices], result = new double[scales];
                movedGram[(i * scales) + j] += onGram;
                movedPrices[i] += onPrice;
                new NashEquilibrium(movedGram, movedPrices, temperature, scales).Solve(tolerance, cap, result);
                return result.Zip(direction, (a, b) => a * b).Sum();
            }
            Assert.Equal((Value(step, 0) - Value(-step, 0)) / (2 * step), gramGradient[(i * scales) + j], 1e-7);
            Assert.Equal((Value(0, step) - Value(0, -step)) / (2 * step), priceGradient[i], 1e-7);
        }
    }

    [Fact]
    public void IterationCapTooSmall_IsReportedAsNotConverged()
    {
        double[] weights = new double[2];
        var game = new NashEquilibrium([1, 0.2, 0.2, 1], [0, 0.5], 1, 2);
        game.Solve(Tolerance, 2, weights);
        Assert.False(game.Converged);
        Assert.True(game.Residual > Tolerance);
    }

    private static double[] Respond(double[] gram, double[] prices, double temperature, double[] a)
    {
        int scales = a.Length;
        double[] values = [.. Enumerable.Range(0, scales).Select(s =>
            ((2 * Enumerable.Range(0, scales).Sum(m => gram[(s * scales) + m] * a[m])) - gram[(s * scales) + s] - prices[s]) / temperature)];
        double most = values.Max(), total = values.Sum(v => Math.Exp(v - most));
        return [.. values.Select(v => Math.Exp(v - most) / total)];
    }
}
