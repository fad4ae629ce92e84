using System.Globalization;
using System.Text.RegularExpressions;
using Maha.Layers.Data;
using Maha.MLNet.Classification;
using Maha.TestData.NGrams;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace Maha.MLNet.Tests.Classification;

/// <summary>The laws of the n-grams, for trained classifiers of n-grams and network, and the messages of their training.</summary>
public partial class NGramLawTests
{
    private readonly MLContext _mlContext = new(1);
    private readonly List<string> _messages = [];

    public NGramLawTests() => _mlContext.Log += (_, message) =>
    {
        if (message.Kind is ChannelMessageKind.Info or ChannelMessageKind.Warning)
            _messages.Add(message.RawMessage);
    };

    public static TheoryData<string> OneText => [.. NGramTask.OneText];

    [Theory]
    [MemberData(nameof(OneText))]
    public void ClassOfOneText_IsPredictedForThatText(string name)
    {
        var task = NGramTask.Make(name, seed: 1);
        if (task.NumClasses == 2)
        {
            var rows = _mlContext.Data.LoadFromEnumerable(task.Training.Select(row => new Verdict { Text = row.Text, Label = row.Label == 1 }));
            using var binary = Toys.BinaryTrainer(_mlContext, options => (options.NGrams, options.ValidationFraction) = (true, 0.1), epochs: 3).Fit(rows);
            var metrics = _mlContext.BinaryClassification.Evaluate(binary.Transform(rows));
            Assert.Equal(1, metrics.Accuracy);
            Assert.InRange(metrics.LogLoss, 0, 0.1);
            return;
        }
        var data = Keyed(task.Training);
        using var model = Toys.Trainer(_mlContext, options => (options.NGrams, options.ValidationFraction) = (true, 0.1), epochs: 3).Fit(data);
        var judged = _mlContext.MulticlassClassification.Evaluate(model.Transform(data));
        Assert.Equal(1, judged.MicroAccuracy);
        Assert.InRange(judged.LogLoss, 0, 0.1);
    }

    [Fact]
    public void TextsOfTwoLabels_HaveTheirShare()
    {
        var task = NGramTask.Make("twins-and-topics", seed: 1);
        var data = _mlContext.Data.LoadFromEnumerable(task.Training.Select(row => new Verdict { Text = row.Text, Label = row.Label == 1 }));
        using var model = Toys.BinaryTrainer(_mlContext, options => (options.NGrams, options.ValidationFraction) = (true, 0.1), epochs: 3).Fit(data);
        var twin = _mlContext.Data.LoadFromEnumerable([new Verdict { Text = "this  MESSAGE was deleted." }]);
        Assert.InRange(_mlContext.Data.CreateEnumerable<BinaryPrediction>(model.Transform(twin), false).Single().Probability, 0.7, 0.9);
    }

    /// <summary>The logged validation accuracy is that of the returned model.</summary>
    [Theory]
    [InlineData(true, BinaryThreshold.Half)]
    [InlineData(true, BinaryThreshold.BestF1)]
    [InlineData(false, BinaryThreshold.BestF1)]
    public void TheAccuracyThatIsLogged_IsThatOfTheReturnedModel(bool isSet, BinaryThreshold threshold)
    {
        // Words that predict the class only in part, so that the accuracy is not 1.
        var random = new Random(3);
        List<Verdict> rows =
            [.. Enumerable.Range(0, 200).Select(i => new Verdict { Label = i % 4 == 0, Text = Toys.Text(random, i % 4 == 0 || i % 3 == 0 ? 1 : 0) })];
        var (data, validation) = (_mlContext.Data.LoadFromEnumerable(isSet ? rows[..100] : rows), _mlContext.Data.LoadFromEnumerable(rows[100..]));
        using var model = Toys.BinaryTrainer(_mlContext, options =>
        {
            (options.NGrams, options.Threshold) = (true, threshold);
            if (isSet)
                options.ValidationSet = validation;
            else
                options.ValidationFraction = 0.5;
        }, epochs: 2).Fit(data);
        var match = Logged().Match(_messages.Single(message => message.StartsWith("The model that is returned", StringComparison.Ordinal)));
        double logged = double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
        if (isSet)
        {
            Assert.Equal(_mlContext.BinaryClassification.Evaluate(model.Transform(validation)).Accuracy, logged, 1e-4);
            Assert.False(match.Groups[2].Success);
            return;
        }
        // The same split as in training gives the rows that were held out for validation.
        var predictions = _mlContext.Data.CreateEnumerable<BinaryPrediction>(model.Transform(data), false).Zip(rows)
            .Select(pair => pair.First.PredictedLabel == pair.Second.Label).ToList();
        var documents = TokenizedDataset.FromTokenIds(rows.Select(row => (new[] { 1 }, row.Label ? 1 : 0)));
        using var _ = documents;
        var held = DocumentSubset.Split(documents, 0.5, seed: 7).Validation!.Rows;
        Assert.Equal(held.Average(row => predictions[row] ? 1.0 : 0), logged, 1e-4);
        Assert.True(match.Groups[2].Success);
    }

    /// <summary>If the time is over before all rows are read, the model is trained on those that were read, and a message says so.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void MaxTrainingTime_CoversReadingAndNGrams(bool ngrams)
    {
        int read = 0;
        IEnumerable<Verdict> Rows()
        {
            var random = new Random(1);
            for (; read < 10_000_000; read++)
                yield return new Verdict { Label = read % 2 == 1, Text = Toys.Text(random, read % 2) };
        }
        var trainer = Toys.BinaryTrainer(
            _mlContext, options => (options.NGrams, options.MaxTrainingTime) = (ngrams, TimeSpan.FromMilliseconds(50)), epochs: 1000);
        using var model = trainer.Fit(_mlContext.Data.LoadFromEnumerable(Rows()));
        Assert.InRange(read, 2, 9_999_999);
        Assert.Contains(_messages, message => message.StartsWith("Half of MaxTrainingTime", StringComparison.Ordinal));
        Assert.Equal(ngrams, _messages.Any(message => message.Contains("too short for n-grams of all", StringComparison.Ordinal)));
        if (ngrams)
        {
            var test = _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(50));
            Assert.InRange(_mlContext.BinaryClassification.Evaluate(model.Transform(test)).Accuracy, 0.95, 1);
        }
    }

    [Fact]
    public void ManyClasses_AreSaved()
    {
        var data = Keyed([.. Enumerable.Range(0, 160).Select(i => new ClassifiedText($"k{i % 40}a k{i % 40}b w{i % 7}", i % 40))]);
        using var model = Toys.Trainer(_mlContext, options => options.NGrams = true).Fit(data);
        Assert.Equal(1, _mlContext.MulticlassClassification.Evaluate(model.Transform(data)).MicroAccuracy);
        using var loaded = (MahaTextClassificationTransformer)ModelZip.Load(ModelZip.Save(_mlContext, model, data.Schema));
        Assert.Equal(Rows.Of(model.Transform(data)), Rows.Of(loaded.Transform(data)));
    }

    private IDataView Keyed(IReadOnlyList<ClassifiedText> rows)
        => Toys.Keyed(_mlContext, rows.Select(row => new Document { Text = row.Text, Label = $"class {row.Label}" }));

    [GeneratedRegex(@"validation accuracy ([0-9.]+?)(?:; ([0-9.]+) with n-grams that have not seen these documents)?\.$")]
    private static partial Regex Logged();
}
