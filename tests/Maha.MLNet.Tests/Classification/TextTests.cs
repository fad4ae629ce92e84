using Maha.Layers.Data;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Classification;

/// <summary>Every text gets a prediction, in training and afterward.</summary>
[Collection(FittedCollection.Name)]
public class TextTests(FittedModels fitted)
{
    private static readonly string[] s_strange =
    [
        "", " ", "\0", "otter", "\ud800", "\udc00 \ud800", "hammer\udfffsaw", "\u200b\u202e\ufeff", "\u00e4\u0301\ud83d\ude00",
        new string('\n', 500), "[PAD][CLS]",
    ];

    public static TheoryData<int> Strange => [.. Enumerable.Range(0, s_strange.Length)];

    [Theory]
    [MemberData(nameof(Strange))]
    public void UnusualText_GetsAPrediction(int number)
    {
        var prediction = Assert.Single(fitted.Predict(s_strange[number]));
        Assert.Equal(1, prediction.Score!.Sum(), 1e-5);
        Assert.Contains(prediction.Label, Toys.Labels);
    }

    [Fact]
    public void NullText_IsEmptyText()
    {
        var predictions = fitted.Predict(null, "");
        Assert.Equal(predictions[1].Score, predictions[0].Score);
    }

    [Fact]
    public void TextBeyondTheLimit_IsReadToTheLimit()
    {
        // A token has at most six bytes of "hammer ", so that 64 tokens end within the first part.
        string start = string.Concat(Enumerable.Repeat("hammer saw ", 64));
        var predictions = fitted.Predict(start, start + string.Concat(Enumerable.Repeat("rain snow ", 100_000)));
        Assert.Equal(predictions[0].Score, predictions[1].Score);
        Assert.Equal("tools", predictions[1].Label);
    }

    [Fact]
    public void OneMegabyteOfText_IsReadToItsEnd_WhereTheLimitAllows()
    {
        var mlContext = new MLContext(1);
        using var model = Toys.BinaryTrainer(mlContext, options => (options.MaxSequenceLength, options.Window, options.DModel, options.NumHeads,
            options.FeedForwardDim) = (1 << 21, 64, 4, 1, 4)).Fit(mlContext.Data.LoadFromEnumerable(Toys.Verdicts(10)));
        string text = string.Concat(Enumerable.Repeat("the cat and the dog ", 52_429));
        var rows = Rows.Of(model.Transform(mlContext.Data.LoadFromEnumerable([new Verdict { Text = text }, new Verdict { Text = text + "hammer hammer" }])));
        Assert.Equal(2, rows.Select(row => row[row.IndexOf("Score", StringComparison.Ordinal)..]).Distinct().Count());
    }

    [Fact]
    public void UnusualTexts_CanBeTrainedOn()
    {
        var mlContext = new MLContext(1);
        var documents = Toys.Documents(30);
        int i = 0;
        foreach (string text in s_strange)
            documents[i++].Text = text;
        documents[i].Text = null;
        using var model = Toys.Trainer(mlContext).Fit(Toys.Keyed(mlContext, documents));
        Assert.Equal(3, model.Labels.Count);
    }

    [Fact]
    public void TextsWithoutAnyToken_CanBeTrainedOn()
    {
        var mlContext = new MLContext(1);
        var documents = Enumerable.Range(0, 4).Select(i => new Document { Label = i % 2 == 0 ? "a" : "b", Text = "" });
        using var model = Toys.Trainer(mlContext).Fit(Toys.Keyed(mlContext, documents));
        Assert.Equal(["a", "b"], model.Labels);
    }

    [Fact]
    public void CutDocuments_AreCountedInAWarning_WhereTheyAreTrainedOnAndWhereTheyValidate()
    {
        var mlContext = new MLContext(1);
        var warnings = Warnings.Of(mlContext);
        var documents = Toys.Documents(12);
        var random = new Random(1);
        foreach (var document in documents.Take(3))
            document.Text = Toys.Filler(random, 500);
        var data = Toys.Keyed(mlContext, documents);
        using (Toys.Trainer(mlContext, options => options.ValidationSet = data).Fit(data))
        {
            Assert.Equal(2, warnings.Count);
            Assert.Contains("3 training documents have more than 64 tokens and were cut (KeepStart); ", warnings[0], StringComparison.Ordinal);
            Assert.EndsWith("tokens are not read. Raise MaxSequenceLength to read them.", warnings[0], StringComparison.Ordinal);
            Assert.Contains("3 validation documents have more than 64 tokens", warnings[1], StringComparison.Ordinal);
        }
    }

    [Fact]
    public void DocumentsWithinTheLimit_CauseNoWarning()
    {
        var mlContext = new MLContext(1);
        var warnings = Warnings.Of(mlContext);
        Toys.Trainer(mlContext, options => options.MaxSequenceLength = 16384).Fit(Toys.Keyed(mlContext, Toys.Documents(6))).Dispose();
        Assert.Empty(warnings);
    }

    [Fact]
    public void OverlongDocuments_Throw_WhereTheOptionSaysSo_InTrainingAndInPrediction()
    {
        var mlContext = new MLContext(1);
        var documents = Toys.Documents(6);
        using var model = Toys.Trainer(mlContext, options => options.OverlongDocuments = OverlongDocuments.Throw).Fit(Toys.Keyed(mlContext, documents));
        documents[2].Text = Toys.Filler(new Random(1), 500);
        var data = Toys.Keyed(mlContext, documents);
        Assert.Contains("64", Assert.Throws<ArgumentException>(() => Toys.Trainer(mlContext,
            options => options.OverlongDocuments = OverlongDocuments.Throw).Fit(data)).Message, StringComparison.Ordinal);
        Assert.Contains("must have at most 64 tokens",
            Assert.Throws<ArgumentException>(() => Rows.Of(model.Transform(data))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EndOrBothEnds_AreKept_WhereTheOptionSaysSo()
    {
        var mlContext = new MLContext(1);
        string filler = Toys.Filler(new Random(1), 300);
        var texts = new[] { filler, filler + " rain", "rain " + filler, "rain" + filler + "rain" }.Select(text => new Verdict { Text = text });
        int Distinct(OverlongDocuments kept)
        {
            using var model = Toys.BinaryTrainer(mlContext, options => options.OverlongDocuments = kept)
                .Fit(mlContext.Data.LoadFromEnumerable(Toys.Verdicts(10)));
            using var engine = mlContext.Model.CreatePredictionEngine<Verdict, BinaryPrediction>(model,
                new PredictionEngineOptions { OwnsTransformer = false });
            return texts.Select(text => engine.Predict(text).Score).Distinct().Count();
        }
        Assert.Equal(3, Distinct(OverlongDocuments.KeepStart));
        Assert.Equal(3, Distinct(OverlongDocuments.KeepEnd));
        Assert.Equal(4, Distinct(OverlongDocuments.KeepStartAndEnd));
    }
}
