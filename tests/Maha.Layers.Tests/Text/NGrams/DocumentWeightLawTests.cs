using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.Layers.Training;

namespace Maha.Layers.Tests.Text;

/// <summary>The laws of document weights in the linear parts: a document of weight k equals the document k times.</summary>
public class DocumentWeightLawTests
{
    private const int Count = 40;
    private const int Classes = 3;

    private readonly Random _random = new(4);
    private readonly int[] _labels;
    private readonly float[] _weights;
    private readonly int[] _repeated;

    public DocumentWeightLawTests()
    {
        _labels = [.. Enumerable.Range(0, Count).Select(i => i % 5 == 0 ? 1 : i % Classes)];
        _weights = [.. Enumerable.Range(0, Count).Select(i => i % 3 == 0 ? 2f : i % 7 == 0 ? 3f : 1f)];
        _repeated = [.. Enumerable.Range(0, Count).SelectMany(row => Enumerable.Repeat(row, (int)_weights[row]))];
    }

    private int[] RepeatedLabels => [.. _repeated.Select(row => _labels[row])];

    [Fact]
    public void LinearModels_AreTheSame()
    {
        const int features = 12;
        SparseVector[] vectors =
        [
            .. Enumerable.Range(0, Count).Select(_ =>
            {
                int[] indices = [.. Enumerable.Range(0, features).Where(_ => _random.Next(3) == 0)];
                return new SparseVector(indices, [.. indices.Select(_ => _random.NextSingle())]);
            }),
        ];
        var settings = new LogisticDualAscent.Settings(3, Tolerance: 1e-8, MaxPasses: 5000);
        var weighted = LogisticDualAscent.Fit(
            row => vectors[row], _labels, _weights, [.. Enumerable.Range(0, Count)], features, Classes, settings, default);
        var twice = LogisticDualAscent.Fit(
            row => vectors[_repeated[row]], RepeatedLabels, null, [.. Enumerable.Range(0, _repeated.Length)], features, Classes, settings, default);
        // Both are the minimum of one function, up to the float32 of the weights and duals.
        Assert.All(twice.Weights.Zip(weighted.Weights), pair => Assert.Equal(pair.First, pair.Second, 2e-3f));
        Assert.All(twice.Bias.Zip(weighted.Bias), pair => Assert.Equal(pair.First, pair.Second, 2e-3f));
        var none = LogisticDualAscent.Fit(
            row => vectors[row], _labels, null, [.. Enumerable.Range(0, Count)], features, Classes, settings, default);
        Assert.Contains(none.Weights.Zip(weighted.Weights), pair => Math.Abs(pair.First - pair.Second) > 0.1);
    }

    [Fact]
    public void TheStack_IsTheSame()
    {
        double[][] features = [.. Enumerable.Range(0, Count).Select(_ => Enumerable.Range(0, 2 * Classes).Select(_ => _random.NextDouble()).ToArray())];
        double[] logPrior = [-1, -1.2, -1.1];
        // The standardization of the features is part of the model's scale, not of its loss: both have that of the documents once.
        var weighted = StackingModel.Fit(
            features, _labels, [.. _weights.Select(weight => (double)weight)], [.. Enumerable.Range(0, Count)], [1], logPrior, null, new ParallelOptions());
        double Loss(StackingModel model, IEnumerable<int> rows) => rows.Sum(row =>
        {
            double[] logits = model.Logits(features[row]);
            return Math.Log(logits.Sum(Math.Exp)) - logits[_labels[row]];
        });
        // In float64: the loss of the weighted documents is that of the documents as often as their weight, and no step from the minimum lowers it.
        double Penalty(StackingModel model) => model.Parameters.Zip(Expected(model, logPrior)).Sum(pair => Math.Pow(pair.First - pair.Second, 2) / 2);
        double best = Loss(weighted, _repeated) + Penalty(weighted);
        for (int i = 0; i < weighted.Parameters.Length; i++)
        {
            foreach (double step in new[] { 1e-2, -1e-2 })
            {
                weighted.Parameters[i] += step;
                Assert.True(Loss(weighted, _repeated) + Penalty(weighted) >= best - 1e-9);
                weighted.Parameters[i] -= step;
            }
        }
    }

    [Fact]
    public void TheWeightsOfSources_AreTheSame()
    {
        double[][] wide = [.. Enumerable.Range(0, Count).Select(row => Scores(row))];
        float[][] deep = [.. Enumerable.Range(0, Count).Select(row => Scores(row).Select(score => (float)score).ToArray())];
        var weighted = LogitFusion.Fit(wide, deep, _labels, default, _weights);
        var twice = LogitFusion.Fit([.. _repeated.Select(row => wide[row])], [.. _repeated.Select(row => deep[row])], RepeatedLabels, default);
        Assert.Equal(twice.Wide, weighted.Wide, 1e-9);
        Assert.Equal(twice.Deep, weighted.Deep, 1e-9);
        Assert.NotEqual(LogitFusion.Fit(wide, deep, _labels, default).Wide, weighted.Wide, 1e-3);
        Assert.Equal(
            TemperatureScaling.Fit([.. _repeated.Select(row => deep[row])], RepeatedLabels), TemperatureScaling.Fit(deep, _labels, _weights), 1e-12);
        Assert.NotEqual(TemperatureScaling.Fit(deep, _labels), TemperatureScaling.Fit(deep, _labels, _weights), 1e-3);

        double[] Scores(int row) => [.. Enumerable.Range(0, Classes).Select(c => _random.NextDouble() + (c == _labels[row] ? 0.7 : 0))];
    }

    [Theory]
    [InlineData(ClassWeighting.Balanced, null)]
    [InlineData(ClassWeighting.None, new[] { 0.5, 2, 4 })]
    public void ClassWeights_MultiplyTheWeightsOfDocuments(ClassWeighting weighting, double[]? classWeights)
    {
        float[] weighted = ClassWeights.OfDocuments(_labels, _weights, weighting, classWeights)!;
        float[] twice = ClassWeights.OfDocuments(RepeatedLabels, null, weighting, classWeights)!;
        Assert.Equal(_weights.Sum(), weighted.Sum(), 1e-3f); // a common factor of the class weights has no effect
        for (int i = 0; i < _repeated.Length; i++)
            Assert.Equal(twice[i] * _weights[_repeated[i]], weighted[_repeated[i]], 1e-5f);
        if (classWeights is not null)
        {
            float[] scaled = ClassWeights.OfDocuments(_labels, _weights, weighting, [.. classWeights.Select(weight => 1e3 * weight)])!;
            Assert.All(weighted.Zip(scaled), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        }
    }

    private static double[] Expected(StackingModel model, double[] logPrior)
    {
        double[] expected = new double[model.Parameters.Length];
        for (int c = 0; c < Classes; c++)
            (expected[((Classes + c) * Classes) + c], expected[^(Classes - c)]) = (1 / model.Scale[Classes + c], logPrior[c]);
        return expected;
    }
}
