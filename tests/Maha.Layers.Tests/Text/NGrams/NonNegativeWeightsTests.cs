using Maha.Layers.Text;

namespace Maha.Layers.Tests.Text;

public class NonNegativeWeightsTests
{
    /// <summary>A source whose scores are opposite to the labels has the weight 0, unless its weight must be positive.</summary>
    [Theory]
    [InlineData(-3.0, 0.0, 0.2)]
    [InlineData(3.0, 0.8, 100.0)]
    public void Weights_AreNeverNegative(double evidence, double least, double most)
    {
        var random = new Random(1);
        WeightingDocument[] documents = [.. Enumerable.Range(0, 200).Select(_ =>
        {
            int label = random.Next(2);
            double[] source = [(label == 0 ? evidence : 0) + random.NextDouble(), (label == 1 ? evidence : 0) + random.NextDouble()];
            return new WeightingDocument(label, 1, [Math.Log(0.5), Math.Log(0.5)], [source, source], 0);
        })];
        double[] weights = NonNegativeWeights.Fit(documents, [new(0.5, 0.5, IsPositive: true), new(0, 1)], default);
        Assert.True(weights[0] > 0);
        Assert.InRange(weights[1], 0, most);
        Assert.InRange(weights.Sum(), least, most);
        double[] shrunk = NonNegativeWeights.FitShrunk(documents, [new(0.5, 0.5, IsPositive: true), new(0, 1)], default);
        Assert.Equal(evidence > 0 ? weights : [.. weights.Select(weight => weight / 20)], shrunk);
    }
}
