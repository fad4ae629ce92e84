using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Embedded.MicrosoftML.Tests.Trainers;

/// <summary>Text to class in one pipeline: the baseline that classifiers of long documents are measured against.</summary>
public class BaselinePipelineTests
{
    private sealed class Document
    {
        public string Text { get; set; } = "";

        public string Label { get; set; } = "";
    }

    private sealed class Prediction
    {
        public string PredictedLabel { get; set; } = "";

        public float[] Score { get; set; } = [];
    }

    private static readonly string[] s_words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"];

    private readonly MLContext _context = new(seed: 1);

    [Fact]
    public void TrainedSavedLoaded_PredictsOneByOneAsInBatches()
    {
        var documents = Documents(seed: 1, count: 200);
        var train = _context.Data.LoadFromEnumerable(documents);
        var pipeline = _context.Transforms.Conversion.MapValueToKey("Label")
            .Append(_context.Transforms.Text.FeaturizeText("Features", "Text"))
            .Append(_context.MulticlassClassification.Trainers.SdcaMaximumEntropy())
            .Append(_context.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        var model = pipeline.Fit(train);
        using var stream = new MemoryStream();
        _context.Model.Save(model, train.Schema, stream);
        stream.Position = 0;
        var fresh = new MLContext();
        var loaded = fresh.Model.Load(stream, out _);

        var unseen = Documents(seed: 2, count: 60);
        var batch = _context.Data.CreateEnumerable<Prediction>(model.Transform(_context.Data.LoadFromEnumerable(unseen)), reuseRowObject: false, ignoreMissingColumns: true).ToList();
        using var engine = fresh.Model.CreatePredictionEngine<Document, Prediction>(loaded);
        for (int i = 0; i < unseen.Count; i++)
        {
            var single = engine.Predict(unseen[i]);
            Assert.Equal(batch[i].PredictedLabel, single.PredictedLabel);
            Assert.Equal(batch[i].Score, single.Score);
        }

        int right = batch.Zip(unseen).Count(p => p.First.PredictedLabel == p.Second.Label);
        Assert.True(right >= 54, $"{right} of 60");
    }

    [Fact]
    public void EightThreads_PredictTheSameWithOneModel()
    {
        var train = _context.Data.LoadFromEnumerable(Documents(seed: 1, count: 100));
        var model = _context.Transforms.Conversion.MapValueToKey("Label")
            .Append(_context.Transforms.Text.FeaturizeText("Features", "Text"))
            .Append(_context.MulticlassClassification.Trainers.LbfgsMaximumEntropy(l1Regularization: 0.1f))
            .Fit(train);
        var unseen = _context.Data.LoadFromEnumerable(Documents(seed: 2, count: 50));
        var expected = Scores();
        var results = new float[8][];
        Parallel.For(0, 8, i => results[i] = Scores());
        Assert.All(results, r => Assert.Equal(expected, r));

        float[] Scores() => model.Transform(unseen).GetColumn<float[]>("Score").SelectMany(s => s).ToArray();
    }

    // Two words of three to each document are typical of its class.
    private static List<Document> Documents(int seed, int count)
    {
        var random = new Random(seed);
        return Enumerable.Range(0, count).Select(i => new Document
        {
            Label = $"class {i % 4}",
            Text = string.Join(' ', Enumerable.Range(0, 30).Select(_ => random.Next(3) == 0 ? s_words[random.Next(8)] : s_words[2 * (i % 4) + random.Next(2)])),
        }).ToList();
    }
}
