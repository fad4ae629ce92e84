using Maha.Layers.Data;
using Maha.Layers.Text;

namespace Maha.Layers.Tests.Text;

/// <summary>N-grams of documents with several labels each.</summary>
public class LabelSetNGramTests
{
    private const int NumLabels = 40; // more than a stack of classes has

    private static readonly string[] s_words = [.. Enumerable.Range(0, NumLabels).Select(l => $"word{(char)('a' + (l / 26))}{(char)('a' + (l % 26))}")];

    [Fact]
    public void Model_FindsEveryLabel_AndIsTheSameAfterSaveAndLoad()
    {
        var (texts, sets) = Documents(400, seed: 1);
        using var documents = Dataset(texts, sets);
        int[] validating = [.. Enumerable.Range(0, 40).Select(i => i * 10)];
        var fit = new NGramTrainer(documents, NumLabels, ClassWeighting.None, 1, new ParallelOptions()).Fit(validating);

        var (newTexts, newSets) = Documents(100, seed: 2);
        double[][] logits = [.. newTexts.Select(text => fit.Model.Logits(text))];
        Assert.True(Accuracy(logits, newSets) > 0.99);
        Assert.True(Accuracy([.. validating.Select(fit.HeldOutLogits)], [.. validating.Select(row => sets[row])]) > 0.98);
        // The log odds are calibrated: as many labels as there are.
        double expected = logits.Sum(row => row.Sum(z => 1 / (1 + Math.Exp(-z))));
        Assert.InRange(expected / newSets.Sum(set => set.Length), 0.85, 1.15);

        using var stream = new MemoryStream();
        fit.Save(stream, validating);
        stream.Position = 0;
        var loaded = NGramFit.Load(stream, NumLabels, format: 3, haveLabels: true);
        Assert.Equal(logits[7], loaded.Model.Logits(newTexts[7]));
        Assert.Equal(fit.HeldOutLogits(10), loaded.HeldOutLogits(10));
        stream.Position = 0;
        Assert.Contains("mark of character trigrams and labels, which must be 0 or 1", Assert.Throws<InvalidDataException>(
            () => NGramFit.Load(stream, NumLabels, format: 3)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ASample_IsEnoughForAModel()
    {
        var (texts, sets) = Documents(200, seed: 1);
        using var documents = Dataset(texts, sets);
        var fit = new NGramTrainer(documents, NumLabels, ClassWeighting.None, 1, new ParallelOptions()).FitSample([.. Enumerable.Range(0, 20)]);
        Assert.True(Accuracy([.. Enumerable.Range(0, 20).Select(fit.HeldOutLogits)], sets[..20]) > 0.95);
    }

    [Fact]
    public void Weighting_FindsTheMinimum()
    {
        var random = new Random(3);
        const int count = 70, labels = 5;
        float[][] good = [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, labels).Select(_ => (float)(4 * (random.NextDouble() - 0.5))).ToArray())];
        float[][] noise = [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, labels).Select(_ => (float)(4 * (random.NextDouble() - 0.5))).ToArray())];
        int[][] sets = [.. good.Select(row => Enumerable.Range(0, labels).Where(l => row[l] - 1 + random.NextDouble() > 0.2 * l).ToArray())];
        float[] weights = [.. Enumerable.Range(0, count).Select(_ => 0.5f + random.NextSingle())];
        double[] logOdds = [-0.3, -0.1, 0.2, 0.4, 0];
        (double Weight, double Strength)[] expected = [(0.5, 2), (0.5, 2)];
        var fitted = LabelWeighting.Fit([good, noise], LabelSets.FromSets(sets), weights, logOdds, expected, new ParallelOptions { MaxDegreeOfParallelism = 3 });
        double best = Objective(fitted.Weights, fitted.Offsets);
        for (int k = 0; k < 2; k++)
        {
            foreach (double factor in new[] { 0.98, 1.02 })
                Assert.True(Objective([.. fitted.Weights.Select((u, i) => i == k ? factor * u : u)], fitted.Offsets) >= best - 1e-6);
        }
        for (int l = 0; l < labels; l++)
        {
            foreach (double step in new[] { -0.03, 0.03 })
                Assert.True(Objective(fitted.Weights, [.. fitted.Offsets.Select((offset, i) => i == l ? offset + step : offset)]) >= best - 1e-6);
        }
        Assert.True(fitted.Weights[0] > 5 * fitted.Weights[1]);

        double Objective(double[] u, double[] offsets)
        {
            double sum = 0;
            for (int i = 0; i < count; i++)
            {
                for (int l = 0; l < labels; l++)
                {
                    double z = offsets[l] + (u[0] * good[i][l]) + (u[1] * noise[i][l]);
                    sum += weights[i] * Math.Log(1 + Math.Exp(sets[i].Contains(l) ? -z : z));
                }
            }
            // The mean that costs nothing is the one of the lowest penalty.
            double[] moved = [.. offsets.Zip(logOdds, (offset, odds) => offset - odds)];
            return sum + u.Select((weight, k) => expected[k].Strength * Math.Pow(Math.Log(weight / expected[k].Weight), 2) / 2).Sum()
                + moved.Sum(one => Math.Pow(one - moved.Average(), 2) / 2);
        }
    }

    private static double Accuracy(double[][] logits, int[][] sets)
    {
        int right = 0;
        for (int i = 0; i < logits.Length; i++)
            right += Enumerable.Range(0, NumLabels).Count(l => logits[i][l] > 0 == sets[i].Contains(l));
        return right / (double)(logits.Length * NumLabels);
    }

    private static (string[] Texts, int[][] Sets) Documents(int count, int seed)
    {
        var random = new Random(seed);
        int[][] sets = [.. Enumerable.Range(0, count).Select(i => Enumerable.Range(0, NumLabels).Where(l => l == i % NumLabels || random.Next(20) == 0).ToArray())];
        return ([.. sets.Select(set => string.Join(' ', set.SelectMany(l => new[] { "the", s_words[l], "of", s_words[l] })))], sets);
    }

    private static TokenizedDataset Dataset(string[] texts, int[][] sets)
    {
        var tokenizer = ByteLevelBpeTokenizer.Train(texts.Take(20), new ByteLevelBpeTokenizerOptions { VocabSize = 300 });
        var documents = TokenizedDataset.FromTexts(
            texts.Select(text => (text, 0)), tokenizer, new TokenizedDatasetOptions { KeepTexts = true });
        documents.LabelSets = sets;
        return documents;
    }
}
