using Maha.MLNet.Classification.NGrams;

namespace Maha.MLNet.Tests.Classification.NGrams;

/// <summary>The parts of the stack against brute force and the conditions of an optimum.</summary>
public class LinearPartTests
{
    [Fact]
    public void Vectors_AreThoseOfTheirDefinition()
    {
        var random = new Random(1);
        string[] texts = [.. Enumerable.Range(0, 30).Select(_ => string.Join(' ', Enumerable.Range(0, 1 + random.Next(12)).Select(_ => $"w{random.Next(9)}")))];
        var vocabulary = NGramVocabulary.Learn(texts.Select(text => NGramText.Read(text)), 1000);

        var slow = texts.Select(SlowGrams).ToArray();
        var frequencies = slow.SelectMany(grams => grams.Keys).GroupBy(gram => gram).ToDictionary(group => group.Key, group => group.Count());
        Assert.Equal(frequencies.Count(pair => pair.Value >= 2), vocabulary.Count);
        var expected = slow.Select(grams =>
        {
            var values = grams.Where(pair => frequencies[pair.Key] >= 2)
                .ToDictionary(pair => pair.Key, pair => (1 + Math.Log(pair.Value)) * (Math.Log(31.0 / (1 + frequencies[pair.Key])) + 1));
            double norm = Math.Sqrt(values.Values.Sum(value => value * value));
            return values.ToDictionary(pair => pair.Key, pair => pair.Value / norm);
        }).ToArray();
        var vectors = texts.Select(text => NGramText.Read(text)).Select(text => vocabulary.Vector(vocabulary.Index(text), 0, text.Tokens.Count)).ToArray();
        // The products of all pairs tell the n-grams, whatever their order is.
        for (int i = 0; i < texts.Length; i++)
            for (int j = 0; j <= i; j++)
                Assert.Equal(expected[i].Sum(pair => pair.Value * expected[j].GetValueOrDefault(pair.Key)), Product(vectors[i], vectors[j]), 1e-5);
    }

    [Fact]
    public void Vocabulary_KeepsTheMostFrequent()
    {
        string[] texts = ["a b", "a c", "a b", "d c"];
        var vocabulary = NGramVocabulary.Learn(texts.Select(text => NGramText.Read(text)), 2);
        Assert.Equal(2, vocabulary.Count);
        var indexed = vocabulary.Index(NGramText.Read("a b c d"));
        Assert.True(indexed.Tokens[0] >= 0 && indexed.Tokens[3] < 0);
    }

    /// <summary>At the minimum w = cost sum_i v_i y_i sigmoid(-y_i z_i) x_i, the bias with x = 1.</summary>
    [Fact]
    public void DualAscent_FindsTheMinimum()
    {
        var random = new Random(1);
        const int count = 60, features = 12, classes = 5;
        const double cost = 3;
        SparseVector[] vectors = [.. Enumerable.Range(0, count).Select(_ => new SparseVector([.. Enumerable.Range(0, features).Where(_ => random.Next(3) == 0)], [.. new float[features]]))
            .Select(vector => vector with { Values = [.. vector.Indices.Select(_ => random.NextSingle() - 0.3f)] })];
        int[] labels = [.. Enumerable.Range(0, count).Select(_ => random.Next(classes))];
        float[] weights = [.. Enumerable.Range(0, count).Select(_ => 0.5f + random.NextSingle())];
        var model = LogisticDualAscent.Fit(row => vectors[row], labels, weights, [.. Enumerable.Range(0, count - 10)], features, classes,
            new LogisticDualAscent.Settings(cost, Tolerance: 1e-7, MaxPasses: 3000), default);
        for (int c = 0; c < classes; c++)
        {
            double[] expected = new double[features + 1];
            for (int row = 0; row < count - 10; row++)
            {
                double sign = labels[row] == c ? 1 : -1, score = model.Bias[c] + vectors[row].Indices.Zip(vectors[row].Values).Sum(pair => pair.Second * (double)model.Weights[pair.First * model.Stride + c]);
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

    [Theory]
    [InlineData(3)]
    [InlineData(StackingModel.MaxFullClasses + 1)]
    public void Stacking_FindsTheMinimum(int classes)
    {
        var random = new Random(1);
        const int count = 80, blocks = 2;
        double[][] features = [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, blocks * classes).Select(_ => 3 + random.NextDouble()).ToArray())];
        int[] labels = [.. Enumerable.Range(0, count).Select(i => random.Next(2) == 0 ? i % classes : Array.IndexOf(features[i], features[i].Max()) % classes)];
        float[] weights = [.. Enumerable.Range(0, count).Select(_ => 0.5f + random.NextSingle())];
        int[] members = [.. Enumerable.Range(0, count).Where(i => i % 5 != 0)];
        var model = StackingModel.Fit(features, labels, weights, members, classes, blocks, new ParallelOptions());
        double Objective()
        {
            double sum = model.Parameters[..^classes].Sum(value => value * value / 2);
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
    }

    [Fact]
    public void Fusion_IsAsGoodAsAnyOther_WithinItsBounds()
    {
        for (int seed = 1; seed <= 30; seed++)
        {
            var random = new Random(seed);
            int count = 3 + random.Next(60);
            int[] labels = [.. Enumerable.Range(0, count).Select(_ => random.Next(3))];
            double wideTells = random.Next(-1, 4), deepTells = random.Next(-3, 8);
            double[][] wide = [.. labels.Select(label => Enumerable.Range(0, 3).Select(c => (c == label ? wideTells : 0) + 2 * random.NextDouble()).ToArray())];
            float[][] deep = [.. labels.Select(label => Enumerable.Range(0, 3).Select(c => (float)((c == label ? deepTells : 0) + 4 * random.NextDouble())).ToArray())];
            double Loss(double a, double b) => 5 * Math.Pow(a - 1, 2) + 5 * Math.Pow(b - 0.5, 2) + Enumerable.Range(0, count).Sum(i =>
            {
                float[] z = new LogitFusion(a, b).Combine(wide[i], deep[i]);
                return Math.Log(z.Sum(value => Math.Exp(value))) - z[labels[i]];
            });
            var fusion = LogitFusion.Fit(wide, deep, labels);
            Assert.True(fusion.Wide >= 0 && fusion.Deep >= 0);
            double fitted = Loss(fusion.Wide, fusion.Deep);
            for (double a = 0; a <= 4; a += 0.1)
                for (double b = 0; b <= 4; b += 0.1)
                    Assert.True(fitted <= Loss(a, b) + 1e-4, $"seed {seed}: {fusion} is worse than {a}, {b}");
        }
    }

    [Fact]
    public void Folds_KeepClassesInProportion_AndEqualTextsTogether()
    {
        int[] labels = [.. Enumerable.Range(0, 100).Select(i => i % 4 == 0 ? 1 : 0)];
        ulong[] contents = [.. Enumerable.Range(0, 100).Select(i => i < 5 ? 7UL : 100UL + (ulong)i)];
        int[] folds = NGramFitting.Folds(contents, labels, seed: 1);
        Assert.Single(folds[..5].Distinct());
        Assert.Equal([0, 1, 2, 3, 4], folds.Distinct().Order());
        Assert.All(Enumerable.Range(0, 5), fold => Assert.InRange(Enumerable.Range(5, 95).Count(i => folds[i] == fold && labels[i] == 1), 3, 6));
        Assert.Equal(2, NGramFitting.Folds([3, 3, 3], [0, 1, 0], seed: 1).Distinct().Count());
    }

    private static Dictionary<string, int> SlowGrams(string text)
    {
        string[] words = text.Split(' ');
        return words.Concat(words.Zip(words.Skip(1), (a, b) => $"{a} {b}")).GroupBy(gram => gram).ToDictionary(group => group.Key, group => group.Count());
    }

    private static double Product(SparseVector a, SparseVector b)
        => a.Indices.Select((index, i) => Array.IndexOf(b.Indices, index) is >= 0 and var j ? (double)a.Values[i] * b.Values[j] : 0).Sum();
}
