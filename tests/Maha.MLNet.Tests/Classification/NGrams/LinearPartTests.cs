using Maha.Layers.Text;


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
        var vectors = texts.Select(text => NGramText.Read(text)).Select(text => vocabulary.Vectorize(vocabulary.Index(text), 0, text.Tokens.Count)).ToArray();
        // The products of all pairs tell the n-grams, whatever their order is.
        for (int i = 0; i < texts.Length; i++)
        {
            for (int j = 0; j <= i; j++)
                Assert.Equal(expected[i].Sum(pair => pair.Value * expected[j].GetValueOrDefault(pair.Key)), Product(vectors[i], vectors[j]), 1e-5);
        }
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

    /// <summary>The minimum of the log losses and of the squares of what moved from the expected weights and the prior.</summary>
    [Fact]
    public void Stacking_FindsTheMinimum()
    {
        var random = new Random(1);
        const int count = 80, blocks = 2, classes = 3;
        double[][] features = [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, blocks * classes).Select(_ => 3 + random.NextDouble()).ToArray())];
        int[] labels = [.. Enumerable.Range(0, count).Select(i => random.Next(2) == 0 ? i % classes : Array.IndexOf(features[i], features[i].Max()) % classes)];
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
        // Somewhere else to start from is the same minimum.
        var again = StackingModel.Fit(features, labels, weights, members, [1], logPrior, model, new ParallelOptions());
        Assert.All(again.Parameters.Zip(model.Parameters), pair => Assert.Equal(pair.First, pair.Second, 1e-3));
    }

    /// <summary>Of a source that says the opposite nothing is taken, and a positive one stays positive.</summary>
    [Theory]
    [InlineData(-3.0, 0.0, 0.2)]
    [InlineData(3.0, 0.8, 100.0)]
    public void Weights_AreNeverNegative(double tells, double least, double most)
    {
        var random = new Random(1);
        WeightingDocument[] documents = [.. Enumerable.Range(0, 200).Select(_ =>
        {
            int label = random.Next(2);
            double[] source = [(label == 0 ? tells : 0) + random.NextDouble(), (label == 1 ? tells : 0) + random.NextDouble()];
            return new WeightingDocument(label, 1, [Math.Log(0.5), Math.Log(0.5)], [source, source], 0);
        })];
        double[] weights = NonNegativeWeights.Fit(documents, [new(0.5, 0.5, IsPositive: true), new(0, 1)], default);
        Assert.True(weights[0] > 0);
        Assert.InRange(weights[1], 0, most);
        Assert.InRange(weights.Sum(), least, most);
        double[] doubted = NonNegativeWeights.FitShrunk(documents, [new(0.5, 0.5, IsPositive: true), new(0, 1)], default);
        Assert.Equal(tells > 0 ? weights : [.. weights.Select(weight => weight / 20)], doubted);
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
            var fusion = LogitFusion.Fit(wide, deep, labels, default);
            Assert.True(fusion.Wide >= 0 && fusion.Deep >= 0);
            double fitted = Loss(fusion.Wide, fusion.Deep);
            for (double a = 0; a <= 4; a += 0.1)
            {
                for (double b = 0; b <= 4; b += 0.1)
                    Assert.True(fitted <= Loss(a, b) + 1e-4, $"seed {seed}: {fusion} is worse than {a}, {b}");
            }
        }
    }

    [Fact]
    public void Folds_KeepClassesInProportion_AndEqualTextsTogether()
    {
        int[] labels = [.. Enumerable.Range(0, 100).Select(i => i % 4 == 0 ? 1 : 0)];
        ulong[] contents = [.. Enumerable.Range(0, 100).Select(i => i < 5 ? 7UL : 100UL + (ulong)i)];
        var folds = StackFolds.Choose(contents, labels, null, [], seed: 1);
        Assert.Single(folds.Folds[..5].Distinct());
        Assert.Equal([0, 1, 2, 3, 4], folds.Folds.Distinct().Order());
        Assert.All(Enumerable.Range(0, 5), fold => Assert.InRange(Enumerable.Range(5, 95).Count(i => folds.Folds[i] == fold && labels[i] == 1), 3, 6));
        // Copies of a text of a class count as one document.
        Assert.Equal(1, Enumerable.Range(0, 5).Where(i => labels[i] == 0).Sum(i => folds.ScoredWeights[i]), 1e-12);
    }

    [Fact]
    public void AClassOfOneText_IsInEveryFold_AndOneOfOneDocumentIsJudgedByNone()
    {
        int[] labels = [.. Enumerable.Range(0, 61).Select(i => i == 60 ? 2 : i % 2)];
        ulong[] contents = [.. Enumerable.Range(0, 61).Select(i => labels[i] == 1 ? 7UL : 100UL + (ulong)i)];
        var folds = StackFolds.Choose(contents, labels, null, [], seed: 1);
        Assert.All(Enumerable.Range(0, 5), fold => Assert.Equal(6, Enumerable.Range(0, 60).Count(i => labels[i] == 1 && folds.Folds[i] == fold)));
        Assert.Equal(Enumerable.Range(0, 60), folds.Scored);
    }

    [Fact]
    public void WhatIsLeftOfAClass_CountsAsTheWholeClass()
    {
        int[] labels = [.. Enumerable.Range(0, 14).Select(i => i < 4 ? 0 : 1)];
        var folds = StackFolds.Choose([.. Enumerable.Range(0, 14).Select(i => (ulong)i)], labels, null, [], seed: 1);
        for (int fold = 0; fold < folds.Count; fold++)
        {
            var (members, weights) = folds.TrainingSetOf(fold);
            Assert.All(members, row => Assert.NotEqual(fold, folds.Folds[row]));
            double small = members.Where(row => labels[row] == 0).Sum(row => weights[row]), all = members.Sum(row => weights[row]);
            Assert.Equal(4.0 / 14, small / all, 1e-6);
            Assert.Equal(members.Length, all, 1e-4);
        }
    }

    [Fact]
    public void OfVeryManyDocuments_OneFoldIsJudged_AndHasThoseThatValidate()
    {
        const int count = 120_000;
        int[] labels = [.. Enumerable.Range(0, count).Select(i => i % 3)], validating = [.. Enumerable.Range(0, 5000).Select(i => i * 7)];
        var folds = StackFolds.Choose([.. Enumerable.Range(0, count).Select(i => (ulong)i)], labels, null, validating, seed: 1);
        Assert.Equal(1, folds.Count);
        Assert.All(validating, row => Assert.Equal(0, folds.Folds[row]));
        Assert.InRange(folds.Scored.Length, StackFolds.EnoughDocuments, 2 * StackFolds.EnoughDocuments);
    }

    /// <summary>The sparse model's steps find what tells, and what nobody has tells nothing.</summary>
    [Fact]
    public void SparseModel_KnowsTheWordsOfItsClasses()
    {
        const int classes = 100;
        var random = new Random(1);
        // Of class c the features 2c and 2c + 1, and one of fifty that all have.
        SparseVector[] vectors = [.. Enumerable.Range(0, 5 * classes).Select(i => new SparseVector([2 * (i % classes) + i / classes % 2, 2 * classes + random.Next(50)], [0.7f, 0.7f]))];
        int[] labels = [.. Enumerable.Range(0, 5 * classes).Select(i => i % classes)];
        double[] prior = [.. Enumerable.Repeat(1.0 / classes, classes)];
        var model = SparseLinearModel.Fit(row => vectors[row], labels, null, [.. Enumerable.Range(0, labels.Length)], 2 * classes + 50, prior, 1, default);
        var scores = new SparseScores(classes);
        for (int c = 0; c < classes; c++)
        {
            scores.Clear();
            model.Score(new SparseVector([2 * c, 2 * classes + c % 50], [0.7f, 0.7f]), scores);
            Assert.Equal(c, scores.Touched.MaxBy(other => scores[other]));
        }
        Assert.All(Enumerable.Range(0, classes), c => Assert.Equal(1, model.Ends[2 * c] - (c == 0 ? 0 : model.Ends[2 * c - 1])));
    }

    /// <summary>Copies of one label decide, copies of two have their share, and where copies tell nothing no text is kept.</summary>
    [Fact]
    public void RepeatedTexts_HaveTheShareOfTheirCopies()
    {
        double[] prior = [0.5, 0.5];
        ulong[] contents = [.. Enumerable.Range(0, 60).Select(i => (ulong)(i / 20))];
        int[] labels = [.. Enumerable.Range(0, 60).Select(i => i < 20 ? 0 : i < 40 ? 1 : i % 4 == 0 ? 1 : 0)];
        var known = RepeatedTexts.Fit(contents, labels, null, prior);
        double First(ulong content) => 1 / (1 + Math.Exp(known.Adjust([0.0, 5.0], content) is var z ? z[1] - z[0] : 0));
        Assert.InRange(First(0), 0.9, 1);
        Assert.InRange(First(1), 0, 0.1);
        Assert.InRange(First(2), 0.65, 0.85);
        Assert.Equal(1 / (1 + Math.Exp(5)), First(99), 1e-9);
        // Without itself a document is judged by its copies.
        Assert.True(known.Adjust([0.0, 0.0], 2, (1, 1))[0] > known.Adjust([0.0, 0.0], 2)[0]);

        var random = new Random(1);
        var noise = RepeatedTexts.Fit([.. Enumerable.Range(0, 400).Select(i => (ulong)(i / 4))], [.. Enumerable.Range(0, 400).Select(_ => random.Next(2))], null, prior);
        Assert.False(noise.ArePredictive);
    }

    private static Dictionary<string, int> SlowGrams(string text)
    {
        string[] words = text.Split(' ');
        return words.Concat(words.Zip(words.Skip(1), (a, b) => $"{a} {b}")).GroupBy(gram => gram).ToDictionary(group => group.Key, group => group.Count());
    }

    private static double Product(SparseVector a, SparseVector b)
        => a.Indices.Select((index, i) => Array.IndexOf(b.Indices, index) is >= 0 and var j ? (double)a.Values[i] * b.Values[j] : 0).Sum();
}
