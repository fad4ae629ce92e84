using System.Text;
using System.Text.Json.Nodes;
using Maha.Layers.Attention;
using Maha.Layers.Training;
using Maha.MLNet.ModelFiles;
using Microsoft.ML;

namespace Maha.MLNet.Tests.LanguageModel;

/// <summary>Invalid input is refused with a message, or has no effect.</summary>
public class BadInputTests
{
    private const string Manifest = "LanguageModel.json";

    private readonly MLContext _mlContext = new(1);

    [Fact]
    public void UnusualTexts_AreTrainedOnAndScored()
    {
        string?[] texts = ["", null, " ", "\0", "\ud800", "\udc00 \ud800", "\u200b\u202e\ufeff", "\ud83d\ude00",
            new string('\n', 500), "[PAD][EOS]", "the cat"];
        var data = _mlContext.Data.LoadFromEnumerable(texts.Select(text => new Passage { Text = text }));
        using var model = LanguageToys.Estimator(_mlContext).Fit(data);
        var scores = _mlContext.Data.CreateEnumerable<PassageScore>(model.Transform(data), reuseRowObject: false).ToList();
        for (int i = 0; i < texts.Length; i++)
        {
            bool isEmpty = string.IsNullOrEmpty(texts[i]);
            Assert.Equal(isEmpty, float.IsNaN(scores[i].LogLikelihood));
            Assert.Equal(isEmpty, float.IsNaN(scores[i].Perplexity));
            Assert.True(isEmpty || scores[i].LogLikelihood < 0);
        }
        foreach (string? text in texts)
            Assert.NotNull(model.Generate(text ?? "", new() { MaxTokens = 3 }));
    }

    [Fact]
    public void NoText_IsRefused()
    {
        var none = _mlContext.Data.LoadFromEnumerable(new List<Passage>());
        Assert.Contains("of 0 rows none has any. Check column 'Text'",
            Assert.Throws<InvalidOperationException>(() => LanguageToys.Estimator(_mlContext).Fit(none)).Message, StringComparison.Ordinal);
        var empty = _mlContext.Data.LoadFromEnumerable([new Passage { Text = "" }, new Passage()]);
        Assert.Contains("of 2 rows none has any",
            Assert.Throws<InvalidOperationException>(() => LanguageToys.Estimator(_mlContext).Fit(empty)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OneCharacter_CanBeTrainedOn()
    {
        using var model = LanguageToys.Estimator(_mlContext).Fit(_mlContext.Data.LoadFromEnumerable([new Passage { Text = "x" }]));
        Assert.True(model.Score("x").LogLikelihood < 0);
    }

    [Fact]
    public void LongText_IsReadCompletely_WithoutAWarning()
    {
        var warnings = Warnings.Of(_mlContext);
        string text = string.Concat(Enumerable.Repeat("the cat sees the otter. ", 2000));
        var data = _mlContext.Data.LoadFromEnumerable([new Passage { Text = text }]);
        using var model = LanguageToys.Estimator(_mlContext).Fit(data);
        Assert.Empty(warnings);
        Assert.Equal(text.Length, model.Score(text).NumBytes);
        Assert.True(model.Score(text + "wind").LogLikelihood < model.Score(text).LogLikelihood);
        Assert.NotEmpty(model.Generate(text, new() { MaxTokens = 5, Temperature = 0 }));
    }

    [Fact]
    public void Cancellation_EndsTheFit()
    {
        using var source = new CancellationTokenSource();
        source.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => LanguageToys.Estimator(_mlContext,
            options => options.CancellationToken = source.Token).Fit(LanguageToys.Data(_mlContext)));
        using var later = new CancellationTokenSource();
        int steps = 0;
        var estimator = LanguageToys.Estimator(_mlContext, options =>
        {
            options.CancellationToken = later.Token;
            options.Progress = new Steps(() =>
            {
                if (++steps == 2)
                    later.Cancel();
            });
        }, epochs: 50);
        Assert.ThrowsAny<OperationCanceledException>(() => estimator.Fit(LanguageToys.Data(_mlContext)));
        Assert.Equal(2, steps);
    }

    [Fact]
    public void CancellationWithKeepBest_ReturnsAModel()
    {
        using var source = new CancellationTokenSource();
        int steps = 0;
        using var model = LanguageToys.Estimator(_mlContext, options =>
        {
            options.CancellationToken = source.Token;
            options.CancellationBehavior = CancellationBehavior.KeepBest;
            options.Progress = new Steps(() =>
            {
                if (++steps == 2)
                    source.Cancel();
            });
        }, epochs: 50).Fit(LanguageToys.Data(_mlContext));
        Assert.Equal(2, steps);
        Assert.True(double.IsFinite(model.Score("the cat").LogLikelihood));
    }

    [Fact]
    public void DamagedFile_IsRefused()
    {
        byte[] whole = Saved();
        for (int i = 0; i < 20; i++)
            Assert.ThrowsAny<Exception>(() => ModelZip.Load(whole[..(whole.Length * i / 20)]));
        foreach (string stream in new[] { Manifest, "Tokenizer", "Weights.safetensors", "Checksums" })
        {
            var zip = new ModelZip(whole, Manifest);
            byte[] content = zip[stream];
            for (int i = 0; i < 8; i++)
            {
                byte[] damaged = [.. content];
                damaged[(int)((long)(content.Length - 1) * i / 7)] ^= 16;
                zip[stream] = damaged;
                Assert.EndsWith("The file is damaged: save the model again.", Refused(zip), StringComparison.Ordinal);
            }
            zip.Remove(stream);
            Assert.Contains($"must hold the stream '{stream}'", Refused(zip), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("Model.DModel", 65536, "take at least")]
    [InlineData("Model.VocabSize", 1 << 24, "one vocabulary")]
    [InlineData("Model.IsCausal", false, "must not see later tokens")]
    [InlineData("Model.Attention", "MahaReference", "MahaReference")]
    [InlineData("TieOutput", false, "weights")]
    [InlineData("Columns.Perplexity", "", "must have names")]
    [InlineData("Columns", null, "Columns")]
    [InlineData("Unheard", 1, "Unheard")]
    public void ChangedDescription_IsRefused(string path, object? value, string message)
        => Assert.Contains(message, Refused(Changed(path, value)), StringComparison.Ordinal);

    [Fact]
    public void NewerVersion_IsRefused() => Assert.Contains(
        "Update the package Maha.MLNet", Failures.AssertRefused<MahaModelVersionException>(Changed("FormatVersion", 2).ToArray()), StringComparison.Ordinal);

    private ModelZip Changed(string path, object? value)
    {
        var zip = new ModelZip(Saved(), Manifest);
        var json = JsonNode.Parse(zip[Manifest])!.AsObject();
        string[] names = path.Split('.');
        var parent = names.Length == 1 ? json : json[names[0]]!.AsObject();
        parent[names[^1]] = value is null ? null : JsonValue.Create(value);
        zip[Manifest] = Encoding.UTF8.GetBytes(json.ToJsonString());
        zip.Sign();
        return zip;
    }

    private byte[] Saved()
    {
        var data = LanguageToys.Data(_mlContext, 3);
        using var model = LanguageToys.Estimator(_mlContext, options => options.Attention = AttentionKind.Maha).Fit(data);
        return ModelZip.Save(_mlContext, model, data.Schema);
    }

    private static string Refused(ModelZip zip) => Failures.AssertRefused<MahaModelFileException>(zip.ToArray());

    private sealed class Steps(Action action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Validation is null)
                action();
        }
    }
}
