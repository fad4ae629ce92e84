using Maha.Benchmarks.Classification;

namespace Maha.Benchmarks.Tests.Classification;

public class JudgmentTests
{
    private static readonly string[] s_labels = ["a", "b", "c"];

    [Fact]
    public void Metrics_AreThoseOfTheirDefinitions()
    {
        var documents = Documents(out var predictions, 200);
        var judgment = Judgment.Evaluate(documents, s_labels, predictions, longWords: 3);

        Assert.Equal(documents.Zip(predictions).Count(pair => pair.First.Label == pair.Second.Label) / 200.0, judgment.Accuracy, 1e-12);
        Assert.Equal(documents.Zip(predictions).Average(
            pair => -Math.Log(pair.First.Label == "d" ? 1e-15 : pair.Second.Probabilities[Array.IndexOf(s_labels, pair.First.Label)])), judgment.LogLoss, 1e-9);
        string[] classes = ["a", "b", "c", "d"];
        double f1 = classes.Average(name =>
        {
            double right = documents.Zip(predictions).Count(pair => pair.First.Label == name && pair.Second.Label == name);
            double precision = right / predictions.Count(prediction => prediction.Label == name);
            double recall = right / documents.Count(document => document.Label == name);
            return right == 0 ? 0 : 2 * precision * recall / (precision + recall);
        });
        Assert.Equal(f1, judgment.MacroF1, 1e-12);
        double error = documents.Zip(predictions).GroupBy(pair => Math.Min((int)(pair.Second.Probabilities.Max() * 15.0), 14)).Sum(bin =>
            bin.Count() / 200.0 * Math.Abs(
                bin.Average(pair => (double)pair.Second.Probabilities.Max()) - bin.Average(pair => pair.First.Label == pair.Second.Label ? 1.0 : 0)));
        Assert.Equal(error, judgment.CalibrationError, 1e-9);
        Assert.Equal(100, judgment.LongCount);
    }

    [Fact]
    public void SumOfFolds_IsTheEvaluationOfAllDocuments()
    {
        var documents = Documents(out var predictions, 90);
        var all = Judgment.Evaluate(documents, s_labels, predictions, 3);
        var sum = Judgment.Sum([.. Enumerable.Range(0, 3)
            .Select(part => Judgment.Evaluate(documents[(30 * part)..(30 * part + 30)], s_labels, predictions[(30 * part)..(30 * part + 30)], 3))]);
        Assert.Equal(all.Accuracy, sum.Accuracy);
        Assert.Equal(all.MacroF1, sum.MacroF1, 1e-12);
        Assert.Equal(all.LogLoss, sum.LogLoss, 1e-12);
        Assert.Equal(all.CalibrationError, sum.CalibrationError, 1e-12);
        Assert.Equal(all.LongAccuracy, sum.LongAccuracy);
    }

    [Fact]
    public void MeanAndSpread_AreOverTheSeeds()
    {
        Judgment Of(int right) =>
            new() { Count = 100, Right = right, Classes = new Dictionary<string, ClassCount> { ["a"] = new(100, 100, right) }, Seconds = right };
        string line = LearnCommand.Line(LearnVariant.Default(null), [Of(80), Of(90), Of(100)]);
        Assert.StartsWith("variant=default accuracy=0.9000+-0.1000 macro_f1=0.9000+-0.1000 logloss=0.0000+-0.0000 ", line);
        Assert.Contains(" seconds=90.0+-10.0 ", line);
        Assert.StartsWith("variant=default accuracy=0.8000 macro_f1=", LearnCommand.Line(LearnVariant.Default(null), [Of(80)]));
    }

    // Random probabilities; a label without a class now and then; every second text has four words.
    private static List<LabeledDocument> Documents(out List<(string Label, float[] Probabilities)> predictions, int count)
    {
        var random = new Random(1);
        predictions = [];
        var documents = new List<LabeledDocument>();
        for (int i = 0; i < count; i++)
        {
            float[] raw = [random.NextSingle() + 0.01f, random.NextSingle(), random.NextSingle()];
            float[] probabilities = [.. raw.Select(value => value / raw.Sum())];
            predictions.Add((s_labels[Array.IndexOf(probabilities, probabilities.Max())], probabilities));
            documents.Add(new LabeledDocument(i % 10 == 9 ? "d" : s_labels[random.Next(3)], i % 2 == 0 ? "one two three four" : "one two  three", ""));
        }
        return documents;
    }
}
