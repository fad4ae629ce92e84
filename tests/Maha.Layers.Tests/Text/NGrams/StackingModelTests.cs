using Maha.Layers.Text;

namespace Maha.Layers.Tests.Text;

public class StackingModelTests
{
    /// <summary>The minimum of the log losses and of the squared distances from the expected weights and the prior.</summary>
    [Fact]
    public void Stacking_FindsTheMinimum()
    {
        var random = new Random(1);
        const int count = 80, blocks = 2, classes = 3;
        double[][] features = [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, blocks * classes).Select(_ => 3 + random.NextDouble()).ToArray())];
        int[] labels = [.. Enumerable.Range(0, count)
            .Select(i => random.Next(2) == 0 ? i % classes : Array.IndexOf(features[i], features[i].Max()) % classes)];
        double[] weights = [.. Enumerable.Range(0, count).Select(_ => 0.5 + random.NextDouble())], logPrior = [Math.Log(0.5), Math.Log(0.3), Math.Log(0.2)];
        int[] members = [.. Enumerable.Range(0, count).Where(i => i % 5 != 0)];
        var model = StackingModel.Fit(features, labels, weights, members, [1], logPrior, start: null, new ParallelOptions());
        double[] expected = new double[model.Parameters.Length];
        for (int c = 0; c < classes; c++)
            (expected[((classes + c) * classes) + c], expected[^(classes - c)]) = (1 / model.Scale[classes + c], logPrior[c]);
        double Objective()
        {
            double sum = model.Parameters.Zip(expected).Sum(pair => Math.Pow(pair.First - pair.Second, 2) / 2);
            foreach (int row in members)
            {
                double[] logits = model.Logits(features[row]);
                sum += weights[row] * (Math.Log(logits.Sum(Math.Exp)) - logits[labels[row]]);
            }
            return sum;
        }
        double best = Objective();
        const double step = 1e-3;
        for (int i = 0; i < model.Parameters.Length; i++)
        {
            model.Parameters[i] += step;
            double above = Objective();
            model.Parameters[i] -= 2 * step;
            double below = Objective();
            model.Parameters[i] += step;
            Assert.Equal(0, (above - below) / (2 * step), 2e-3);
            Assert.True(above + below >= 2 * best - 1e-9);
        }
        // Another starting point leads to the same minimum.
        var again = StackingModel.Fit(features, labels, weights, members, [1], logPrior, model, new ParallelOptions());
        Assert.All(again.Parameters.Zip(model.Parameters), pair => Assert.Equal(pair.First, pair.Second, 1e-3));
    }
}
