using Maha.Layers.Attention;
using Maha.Layers.Generation;
using Maha.Layers.Training;
using Maha.MLNet.LanguageModel;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.LanguageModel;

public class MahaLanguageModelEstimatorTests
{
    private readonly MLContext _mlContext = new(1);

    [Fact]
    public void Contract_IsKept()
    {
        var wrong = _mlContext.Data.LoadFromEnumerable([new { Text = 1f }]);
        var missing = _mlContext.Data.LoadFromEnumerable([new { Body = "x" }]);
        EstimatorContract.Check(_mlContext, LanguageToys.Estimator(_mlContext), LanguageToys.Data(_mlContext),
            (wrong, "Column 'Text' must be Text, but is Single"), (missing, "There must be a column 'Text', but the columns are: Body"));
    }

    [Fact]
    public void Output_MayHideTheInput()
    {
        var data = _mlContext.Data.LoadFromEnumerable([new { Text = "the cat" }, new { Text = "the otter" }]);
        using var model = LanguageToys.Estimator(_mlContext, options => (options.InputColumnName, options.OutputColumnName) = (null, "Text")).Fit(data);
        var schema = model.GetOutputSchema(data.Schema);
        Assert.Equal(NumberDataViewType.Single, schema["Text"].Type);
        Assert.Equal(NumberDataViewType.Single, schema["Perplexity"].Type);
    }

    [Fact]
    public void LongTexts_AreTrainedOnWhole_InContexts()
    {
        var messages = new List<string>();
        _mlContext.Log += (_, e) => messages.Add(e.RawMessage);
        string[] texts = [.. Enumerable.Range(1, 5).Select(i => string.Join(' ', LanguageToys.Passages(10 * i, seed: i).Select(passage => passage.Text)))];
        using var model = LanguageToys.Estimator(_mlContext).Fit(_mlContext.Data.LoadFromEnumerable(texts.Select(text => new Passage { Text = text })));
        // Of the 32 tokens of a context the first is the last one of the context before; a text has an end.
        long[] tokens = [.. texts.Select(text => model.Score(text).NumTokens)];
        Assert.True(tokens.Min() > 2 * 32);
        Assert.Contains(messages, message => message.Contains($"steps on {(tokens.Sum() + texts.Length + 30) / 31} documents", StringComparison.Ordinal));
        Assert.DoesNotContain(messages, message => message.Contains("were cut", StringComparison.Ordinal));
    }

    [Fact]
    public void Training_MakesTheTextsLikely_AndColumnsEqualScore()
    {
        var data = LanguageToys.Data(_mlContext, 60);
        using var model = LanguageToys.Estimator(_mlContext, epochs: 40).Fit(data);
        var rows = _mlContext.Data.CreateEnumerable<PassageScore>(model.Transform(data), reuseRowObject: false).ToList();
        Assert.InRange(rows.Average(row => row.Perplexity), 1, 3); // a vocabulary of 300, and sentences whose first words leave three choices
        var passages = LanguageToys.Passages(60);
        for (int i = 0; i < rows.Count; i++)
        {
            var score = model.Score(passages[i].Text!);
            Assert.Equal((float)score.LogLikelihoodPerToken, rows[i].LogLikelihood);
            Assert.Equal(Math.Exp(-rows[i].LogLikelihood), rows[i].Perplexity, 1e-3);
        }
        Assert.True(model.Score("wind otter the the cuts").PerplexityPerByte > 1.5 * model.Score("the saw cuts the wood.").PerplexityPerByte);
        string text = model.Generate("the cat", new GenerationOptions { MaxTokens = 30, Temperature = 0, StopSequences = ["."] });
        Assert.Equal(" sees the otter", text);
        Assert.Equal(32, model.ContextLength);
    }

    [Fact]
    public void ContextGrowth_ReachesTheTraining()
    {
        var data = LanguageToys.Data(_mlContext, 20);
        double[] scores = [.. new[] { 0.0, 0.0, 1.0 }.Select(fraction =>
        {
            using var model = LanguageToys.Estimator(_mlContext,
                options => (options.MaxSequenceLength, options.ContextGrowthFraction) = (256, fraction), epochs: 3).Fit(data);
            return model.Score("the cat sees the otter.").LogLikelihoodPerToken;
        })];
        Assert.Equal(scores[0], scores[1]);
        Assert.NotEqual(scores[0], scores[2]);
    }

    [Theory]
    [InlineData(AttentionKind.Maha)]
    [InlineData(AttentionKind.Full)]
    [InlineData(AttentionKind.Window)]
    [InlineData(AttentionKind.Hsa)]
    [InlineData(AttentionKind.HsaCausal)]
    public void EveryAttention_TrainsGeneratesAndIsSavedAndLoaded(AttentionKind attention)
    {
        var data = LanguageToys.Data(_mlContext, 6);
        using var model = LanguageToys.Estimator(_mlContext, options => (options.Attention, options.TieOutput) = (attention, false)).Fit(data);
        using var loaded = (IDisposable)EstimatorContract.SaveAndLoad(_mlContext, model, data.Schema);
        Assert.Equal(Rows.Of(model.Transform(data)), Rows.Of(((ITransformer)loaded).Transform(data)));
        var options = new GenerationOptions { MaxTokens = 40, Temperature = 1.5, Seed = 4 };
        Assert.Equal(model.Generate("the rain", options), MahaLanguageModelTransformer.Find((ITransformer)loaded).Generate("the rain", options));
    }

    [Fact]
    public async Task GeneratedPieces_AreTheGeneratedText_AndDisposalWaitsForThem()
    {
        using var model = LanguageToys.Estimator(_mlContext).Fit(LanguageToys.Data(_mlContext));
        var options = new GenerationOptions { MaxTokens = 60, Temperature = 2 };
        string text = model.Generate("the", options);
        var pieces = new List<string>();
        await foreach (string piece in model.GenerateAsync("the", options))
        {
            pieces.Add(piece);
            model.Dispose();
        }
        Assert.Equal(text, string.Concat(pieces));
        Assert.True(pieces.Count > 10);
        Assert.Throws<ObjectDisposedException>(() => model.Generate("the"));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () =>
        {
            await foreach (string _ in model.GenerateAsync("the", options))
            {
            }
        });
    }

    [Fact]
    public void Generation_ChecksItsArguments_AndCanBeCancelled()
    {
        using var model = LanguageToys.Estimator(_mlContext).Fit(LanguageToys.Data(_mlContext));
        Assert.Contains("Temperature must lie in", Assert.Throws<ArgumentOutOfRangeException>(() => model.Generate("the",
            new GenerationOptions { Temperature = double.NaN })).Message, StringComparison.Ordinal);
        Assert.Contains("TopP must lie in",
            Assert.Throws<ArgumentOutOfRangeException>(() => model.GenerateAsync("the", new GenerationOptions { TopP = 2 })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => model.Generate(null!));
        Assert.Throws<ArgumentNullException>(() => model.Score(null!));
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => model.Generate("the", null, source.Token));
        Assert.ThrowsAny<OperationCanceledException>(() => model.Score("the", source.Token));
    }

    [Fact]
    public void Find_LooksIntoChains()
    {
        var data = LanguageToys.Data(_mlContext);
        using var chain = LanguageToys.Estimator(_mlContext).Append(_mlContext.Transforms.CopyColumns("Copy", "LogLikelihood")).Fit(data);
        Assert.NotNull(MahaLanguageModelTransformer.Find(chain));
        using var loaded = (IDisposable)EstimatorContract.SaveAndLoad(_mlContext, chain, data.Schema);
        Assert.Equal(MahaLanguageModelTransformer.Find(chain).Score("the cat"), MahaLanguageModelTransformer.Find((ITransformer)loaded).Score("the cat"));
        var other = _mlContext.Transforms.CopyColumns("Copy", "Weight").Fit(data);
        Assert.Contains("without one", Assert.Throws<ArgumentException>(() => MahaLanguageModelTransformer.Find(other)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CatalogMethod_PassesItsArgumentsOn()
    {
        var data = LanguageToys.Data(_mlContext, 3);
        using var model = _mlContext.Transforms
            .MahaLanguageModel("Fit", "Text", dModel: 8, numLayers: 1, maxSequenceLength: 16, numberOfEpochs: 1, learningRate: 0.01).Fit(data);
        Assert.Equal(16, model.ContextLength);
        Assert.NotNull(model.GetOutputSchema(data.Schema).GetColumnOrNull("Fit"));
    }

    [Fact]
    public void SameSeed_GivesTheSameModel()
    {
        var data = LanguageToys.Data(_mlContext);
        using var first = LanguageToys.Estimator(_mlContext).Fit(data);
        using var second = LanguageToys.Estimator(_mlContext).Fit(data);
        using var other = LanguageToys.Estimator(_mlContext, options => options.Seed = 8).Fit(data);
        Assert.Equal(Rows.Of(first.Transform(data)), Rows.Of(second.Transform(data)));
        Assert.NotEqual(Rows.Of(first.Transform(data)), Rows.Of(other.Transform(data)));
    }

    [Fact]
    public void TimeLimit_EndsTheTraining()
    {
        var reports = new List<TrainingProgress>();
        using var model = LanguageToys.Estimator(_mlContext, options =>
        {
            options.MaxTrainingTime = TimeSpan.FromMilliseconds(1);
            options.Progress = new Reports(reports.Add);
        }, epochs: 1000).Fit(LanguageToys.Data(_mlContext));
        Assert.True(reports.Count == 0 || reports[^1].Step < reports[^1].TotalSteps);
    }

    private sealed class Reports(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action(value);
    }
}
