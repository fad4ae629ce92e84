using System.Text.Json;
using Maha.Layers.Generation;
using Maha.MLNet.LanguageModel;
using Maha.MLNet.Tests.LanguageModel;
using Maha.MLNet.Tests.MultiLabel;
using Maha.MLNet.Tests.TextEncoding;
using Microsoft.ML;

namespace Maha.MLNet.Tests.SavedModels;

/// <summary>
/// Models that an earlier version saved, with what it predicted for a few texts (empty, one word, other scripts, longer than the model reads).
/// They load and predict the same in every later version. The files are never replaced.
/// </summary>
public sealed class SavedModelTests
{
    private static readonly MLContext s_context = new(1);

    [Theory]
    [InlineData("multiclass-hsa-ngrams")]
    [InlineData("multiclass-hsa-document")]
    [InlineData("multiclass-maha-convex")]
    [InlineData("multiclass-maha-nash")]
    [InlineData("multiclass-window")]
    [InlineData("multiclass-full")]
    public void Multiclass_PredictsAsWhenItWasSaved(string name)
    {
        using var model = new Loaded(name);
        var rows = Expected<List<ClassifiedText>>(name);
        var data = s_context.Data.LoadFromEnumerable(rows.Select(row => new Document { Label = Toys.Labels[0], Text = row.Text }));
        var predictions = s_context.Data.CreateEnumerable<Prediction>(model.Transformer.Transform(data), reuseRowObject: false).ToList();

        Assert.Equal(rows.Count, predictions.Count);
        foreach (var (row, prediction) in rows.Zip(predictions))
        {
            Assert.Equal(row.PredictedLabel, prediction.Label);
            AssertClose(row.Score, prediction.Score!, $"scores of '{row.Text}'");
        }
    }

    [Fact]
    public void Binary_PredictsAsWhenItWasSaved()
    {
        using var model = new Loaded("binary");
        var rows = Expected<List<JudgedText>>("binary");
        var data = s_context.Data.LoadFromEnumerable(rows.Select(row => new Verdict { Text = row.Text }));
        var predictions = s_context.Data.CreateEnumerable<BinaryPrediction>(model.Transformer.Transform(data), reuseRowObject: false).ToList();

        Assert.Equal(rows.Count, predictions.Count);
        foreach (var (row, prediction) in rows.Zip(predictions))
        {
            Assert.Equal(row.PredictedLabel, prediction.PredictedLabel);
            AssertClose([row.Score, row.Probability], [prediction.Score, prediction.Probability], $"score and probability of '{row.Text}'");
        }
    }

    [Fact]
    public void BinaryWithAbstention_AbstainsAsWhenItWasSaved()
    {
        using var model = new Loaded("binary-abstention");
        var rows = Expected<List<AbstainingText>>("binary-abstention");
        var data = s_context.Data.LoadFromEnumerable(rows.Select(row => new Verdict { Text = row.Text }));
        var predictions = s_context.Data.CreateEnumerable<Abstaining>(model.Transformer.Transform(data), reuseRowObject: false).ToList();

        Assert.Contains(rows, row => row.Abstained);
        Assert.Contains(rows, row => !row.Abstained);
        foreach (var (row, prediction) in rows.Zip(predictions))
        {
            Assert.Equal((row.PredictedLabel, row.Abstained), (prediction.PredictedLabel, prediction.Abstained));
            AssertClose([row.Score, row.Probability], [prediction.Score, prediction.Probability], $"score and probability of '{row.Text}'");
        }
    }

    [Fact]
    public void MultiLabel_PredictsAsWhenItWasSaved()
    {
        using var model = new Loaded("multi-label");
        var rows = Expected<List<TaggedText>>("multi-label");
        var data = s_context.Data.LoadFromEnumerable(rows.Select(row => new Tagged { Text = row.Text }));
        var predictions = LabelToys.Predict(s_context, model.Transformer, data);

        Assert.Contains(rows, row => row.Labels.Length > 1);
        Assert.Equal(rows.Count, predictions.Count);
        foreach (var (row, prediction) in rows.Zip(predictions))
        {
            Assert.Equal(row.Labels, prediction.Labels);
            AssertClose([.. row.Score, .. row.Probability], [.. prediction.Score, .. prediction.Probability], $"scores of '{row.Text}'");
        }
    }

    [Fact]
    public void Encoder_EncodesAsWhenItWasSaved()
    {
        using var model = new Loaded("encoder");
        var rows = Expected<List<EncodedText>>("encoder");
        var vectors = Encoders.Vectors(s_context, model.Transformer, [.. rows.Select(row => row.Text)]);

        Assert.Equal(rows.Count, vectors.Count);
        foreach (var (row, vector) in rows.Zip(vectors))
            AssertClose(row.Features, vector, $"vector of '{row.Text}'");
    }

    [Theory]
    [InlineData("language-model-hsa")]
    [InlineData("language-model-maha")]
    public void LanguageModel_ScoresAndContinuesAsWhenItWasSaved(string name)
    {
        using var model = new Loaded(name);
        var expected = Expected<ScoredTexts>(name);
        var data = s_context.Data.LoadFromEnumerable(expected.Rows.Select(row => new Passage { Text = row.Text }));
        var scores = s_context.Data.CreateEnumerable<PassageScore>(model.Transformer.Transform(data), reuseRowObject: false).ToList();

        Assert.Equal(expected.Rows.Count, scores.Count);
        foreach (var (row, score) in expected.Rows.Zip(scores))
            AssertClose([row.LogLikelihood, row.Perplexity], [score.LogLikelihood, score.Perplexity], $"scores of '{row.Text}'");

        var options = new GenerationOptions { MaxTokens = 40, Temperature = 0 };
        Assert.Equal(expected.Continuation, MahaLanguageModelTransformer.Find(model.Transformer).Generate(expected.Prompt, options));
    }

    private static T Expected<T>(string name) => JsonSerializer.Deserialize<T>(File.ReadAllText(PathOf(name + ".json")))!;

    private static string PathOf(string file) => Path.Combine(AppContext.BaseDirectory, "SavedModels", file);

    private static void AssertClose(float[] expected, float[] actual, string what)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            // Relative to max(1, |value|): float32 sums may have another order.
            double tolerance = 1e-5 * Math.Max(1, Math.Abs(expected[i]));
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance, $"{what}, value {i}: expected {expected[i]}, got {actual[i]}.");
        }
    }

    /// <summary>A saved model in memory; disposing it frees its native memory.</summary>
    private sealed class Loaded(string name) : IDisposable
    {
        public ITransformer Transformer { get; } = s_context.Model.Load(PathOf(name + ".zip"), out _);

        public void Dispose() => (Transformer as IDisposable)?.Dispose();
    }

    private sealed record ClassifiedText(string Text, string PredictedLabel, float[] Score);

    private sealed record JudgedText(string Text, float Score, float Probability, bool PredictedLabel);

    private sealed record AbstainingText(string Text, float Score, float Probability, bool PredictedLabel, bool Abstained);

    private sealed record TaggedText(string Text, float[] Score, float[] Probability, string[] Labels);

    private sealed class Abstaining
    {
        public float Score { get; set; }

        public float Probability { get; set; }

        public bool PredictedLabel { get; set; }

        public bool Abstained { get; set; }
    }

    private sealed record EncodedText(string Text, float[] Features);

    private sealed record ScoredText(string Text, float LogLikelihood, float Perplexity);

    private sealed record ScoredTexts(string Prompt, string Continuation, List<ScoredText> Rows);
}
