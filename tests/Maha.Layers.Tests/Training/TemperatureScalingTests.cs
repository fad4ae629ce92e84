using Maha.Layers.Training;


namespace Maha.Layers.Tests.Training;

public class TemperatureScalingTests
{
    [Theory]
    [InlineData(0.4)]
    [InlineData(1.0)]
    [InlineData(3.0)]
    public void TheTemperatureOfTheLabels_IsFound(double temperature)
    {
        var (logits, labels) = Sample(4000, temperature, seed: 1);
        Assert.Equal(1, TemperatureScaling.Fit(logits, labels) / temperature, 0.1);
    }

    [Fact]
    public void NoTemperatureOfAFineGrid_IsBetter()
    {
        for (int seed = 1; seed <= 20; seed++)
        {
            var (logits, labels) = Sample(5 + 3 * seed, 1.5, seed);
            double fitted = Loss(logits, labels, TemperatureScaling.Fit(logits, labels));
            double best = Enumerable.Range(-600, 1201).Min(i => Loss(logits, labels, Math.Exp(i * 0.005)));
            Assert.True(fitted <= best + 1e-4, $"{fitted} against {best}");
        }
    }

    [Fact]
    public void PerfectPredictions_GiveAFiniteTemperature()
    {
        float[][] logits = [.. Enumerable.Range(0, 10).Select(i => i % 2 == 0 ? new float[] { 2, 0 } : [0, 2])];
        double temperature = TemperatureScaling.Fit(logits, [.. Enumerable.Range(0, 10).Select(i => i % 2)]);
        Assert.InRange(temperature, 0.3, 0.9);
    }

    [Fact]
    public void ConfidentWrongLogits_GetATemperatureAboveOne()
    {
        float[][] logits = [.. Enumerable.Repeat(new float[] { 20, 0 }, 100)];
        double temperature = TemperatureScaling.Fit(logits, [.. Enumerable.Range(0, 100).Select(i => i % 4 == 0 ? 1 : 0)]);
        double probability = 1 / (1 + Math.Exp(-20 / temperature));
        Assert.InRange(probability, 0.7, 0.85); // 0.75 are right
    }

    [Fact]
    public void WithoutDocuments_OrWithoutNumbers_TheLogitsStay()
    {
        Assert.Equal(TemperatureScaling.None, TemperatureScaling.Fit([], []));
        Assert.Equal(TemperatureScaling.None, TemperatureScaling.Fit([[float.NaN, 0]], [0]));
        Assert.Equal(TemperatureScaling.None, TemperatureScaling.Fit([[float.PositiveInfinity, 0]], [0]));
    }

    [Fact]
    public void LabelsOfWrongNumberOrValue_Throw()
    {
        Assert.Contains("there are 1 for 2", Assert.Throws<ArgumentException>(() => TemperatureScaling.Fit([[1, 2], [1, 2]], [0])).Message);
        Assert.Contains("label 0 is 2", Assert.Throws<ArgumentException>(() => TemperatureScaling.Fit([[1, 2]], [2])).Message);
    }

    private static double Loss(float[][] logits, int[] labels, double temperature)
        => 2 * Math.Pow(Math.Log(temperature), 2) - logits.Zip(labels).Sum(pair => Math.Log(Probabilities(pair.First, temperature)[pair.Second]));

    private static double[] Probabilities(float[] logits, double temperature)
    {
        double[] powers = [.. logits.Select(logit => Math.Exp(logit / temperature))];
        return [.. powers.Select(power => power / powers.Sum())];
    }

    private static (float[][] Logits, int[] Labels) Sample(int count, double temperature, int seed)
    {
        var random = new Random(seed);
        float[][] logits = [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, 3).Select(_ => (float)(4 * random.NextDouble())).ToArray())];
        int[] labels = [.. logits.Select(row =>
        {
            double[] probabilities = Probabilities(row, temperature);
            double draw = random.NextDouble();
            return draw < probabilities[0] ? 0 : draw < probabilities[0] + probabilities[1] ? 1 : 2;
        })];
        return (logits, labels);
    }
}
