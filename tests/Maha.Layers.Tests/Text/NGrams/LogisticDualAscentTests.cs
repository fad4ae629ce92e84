using Maha.Layers.Text;

namespace Maha.Layers.Tests.Text;

public class LogisticDualAscentTests
{
    /// <summary>At the minimum w = cost sum_i v_i y_i sigmoid(-y_i z_i) x_i, the bias with x = 1.</summary>
    [Fact]
    public void DualAscent_FindsTheMinimum()
    {
        var random = new Random(1);
        const int count = 60, features = 12, classes = 5;
        const double cost = 3;
        int[][] indices = [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, features).Where(_ => random.Next(3) == 0).ToArray())];
        SparseVector[] vectors = [.. indices.Select(some => new SparseVector(some, [.. some.Select(_ => random.NextSingle() - 0.3f)]))];
        int[] labels = [.. Enumerable.Range(0, count).Select(_ => random.Next(classes))];
        float[] weights = [.. Enumerable.Range(0, count).Select(_ => 0.5f + random.NextSingle())];
        var model = LogisticDualAscent.Fit(row => vectors[row], labels, weights, [.. Enumerable.Range(0, count - 10)], features, classes,
            new LogisticDualAscent.Settings(cost, Tolerance: 1e-7, MaxPasses: 3000), default);
        for (int c = 0; c < classes; c++)
        {
            double[] expected = new double[features + 1];
            for (int row = 0; row < count - 10; row++)
            {
                double sign = labels[row] == c ? 1 : -1;
                double score = model.Bias[c]
                    + vectors[row].Indices.Zip(vectors[row].Values).Sum(pair => pair.Second * (double)model.Weights[pair.First * model.Stride + c]);
                double dual = cost * weights[row] * sign / (1 + Math.Exp(sign * score));
                for (int i = 0; i < vectors[row].Indices.Length; i++)
                    expected[vectors[row].Indices[i]] += dual * vectors[row].Values[i];
                expected[features] += dual;
            }
            for (int f = 0; f < features; f++)
                Assert.Equal(expected[f], model.Weights[f * model.Stride + c], 2e-3);
            Assert.Equal(expected[features], model.Bias[c], 2e-3);
        }
    }
}
