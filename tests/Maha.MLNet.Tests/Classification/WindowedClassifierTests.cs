using Maha.Layers.Attention;
using Maha.Layers.Data;
using Maha.Layers.Training;
using Maha.MLNet.Classification;
using Maha.MLNet.Fitting;
using Maha.MLNet.Tests.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Maha.MLNet.Tests.Classification;

/// <summary>Classifiers that read windows with a pretrained encoder.</summary>
public sealed class WindowedClassifierTests : IDisposable
{
    private readonly MLContext _mlContext = new(1);
    private readonly string _folder = SmallBert.WriteFolder();
    private readonly IDataView _data;

    public WindowedClassifierTests() => _data = Toys.Keyed(_mlContext, Toys.Documents(60));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(0, true)]
    public void Classifier_Learns_AndTheZipPredictsTheSame_WithoutTheWeights(int documentLayers, bool ngrams)
    {
        using var model = Fit(o => (o.DocumentLayers, o.NGrams, o.NumberOfEpochs, o.EarlyStoppingPatience, o.LearningRate) = (documentLayers, ngrams, 20, null, 0.01));
        var expected = Rows.Of(model.Transform(_data));
        Assert.InRange(Accuracy(model), 0.6, 1);
        using var stream = new MemoryStream();
        _mlContext.Model.Save(model, _data.Schema, stream);
        string hidden = _folder + ".hidden";
        Directory.Move(_folder, hidden);
        stream.Position = 0;
        var loaded = new MLContext(2).Model.Load(stream, out _);
        Directory.Move(hidden, _folder);
        Assert.Equal(expected, Rows.Of(loaded.Transform(_data)));
        (loaded as IDisposable)?.Dispose();
    }

    [Fact]
    public void EqualSeeds_GiveEqualModels()
    {
        using var first = Fit();
        using var second = Fit();
        Assert.Equal(Rows.Of(first.Transform(_data)), Rows.Of(second.Transform(_data)));
    }

    // The document is longer than anything that is kept whole; its windows pass the encoder in groups.
    [Fact]
    public void LongDocument_IsReadToItsEnd()
    {
        using var model = Fit(o => o.NumberOfEpochs = 8);
        string filler = string.Join(' ', Enumerable.Repeat("the of and near", 10_000));
        var scores = Scores(model, [filler, filler + " " + string.Join(' ', Enumerable.Repeat("snow wind storm", 2000)), ""]);
        Assert.All(scores, row => Assert.Equal(1, row.Sum(), 1e-4));
        Assert.NotEqual(scores[0], scores[1]);
    }

    [Fact]
    public void MaxSequenceLength_CutsTheDocument()
    {
        using var model = Fit(o => o.MaxSequenceLength = 30);
        string start = string.Join(' ', Enumerable.Repeat("cat dog horse", 10));
        var scores = Scores(model, [start, start + " rain snow wind"]);
        Assert.Equal(scores[0], scores[1]);
    }

    [Fact]
    public void SavedClassifier_IsAStartItself()
    {
        string path = Path.Combine(_folder, "saved.zip");
        using (var model = Fit(o => o.NumberOfEpochs = 8))
            _mlContext.Model.Save(model, _data.Schema, path);
        var messages = new List<string>();
        _mlContext.Log += (_, e) => messages.Add(e.RawMessage);
        using var continued = Fit(o => o.PretrainedModel = path);
        Assert.Contains(messages, message => message.StartsWith($"Trains all 2 layers of '{path}'", StringComparison.Ordinal));
        Assert.All(Scores(continued, ["cat dog"]), row => Assert.Equal(1, row.Sum(), 1e-4));
    }

    [Theory]
    [InlineData(AttentionKind.Hsa)]
    [InlineData(AttentionKind.Maha)]
    public void SavedBlocks_AreKept_UnlessTheOptionsAskForOthers(AttentionKind attention)
    {
        string path = Path.Combine(_folder, "saved.zip");
        float[] first;
        using (var model = Fit(o => (o.DocumentLayers, o.Attention) = (2, attention)))
        {
            _mlContext.Model.Save(model, _data.Schema, path);
            first = Scores(model, ["cat dog"])[0];
        }
        var messages = new List<string>();
        _mlContext.Log += (_, e) => messages.Add(e.RawMessage);
        // With so small a rate the weights stay where they start.
        using var kept = Fit(o => (o.PretrainedModel, o.LearningRate, o.NumberOfEpochs) = (path, 1e-9, 1));
        Assert.Equal(Blocks(path), Blocks(Save(kept, "kept.zip")), (a, b) => a.Name == b.Name && Math.Abs(a.Sum - b.Sum) < 1e-3);
        Assert.Contains(Blocks(path), block => block.Name.Contains("blocks.1.", StringComparison.Ordinal));
        Assert.DoesNotContain(messages, message => message.Contains("are not used", StringComparison.Ordinal));

        using var fewer = Fit(o => (o.PretrainedModel, o.DocumentLayers, o.NumberOfEpochs) = (path, 1, 1));
        Assert.Contains(messages, message => message.StartsWith($"The 2 blocks over the document of '{path}' are not used", StringComparison.Ordinal));
        Assert.DoesNotContain(Blocks(Save(fewer, "fewer.zip")), block => block.Name.Contains("blocks.1.", StringComparison.Ordinal));
        using var none = Fit(o => (o.PretrainedModel, o.DocumentLayers, o.NumberOfEpochs) = (path, 0, 1));
        Assert.Empty(Blocks(Save(none, "none.zip")));
        Assert.Equal(first.Length, Scores(none, ["cat dog"])[0].Length);

        string Save(ITransformer model, string name)
        {
            string saved = Path.Combine(_folder, name);
            _mlContext.Model.Save(model, _data.Schema, saved);
            return saved;
        }
    }

    // The weights of the blocks in a zip, by name.
    private static List<(string Name, double Sum)> Blocks(string path)
    {
        using var start = PretrainedStart.Open(path);
        return [.. (start.Encoder!.Blocks?.Weights ?? new Dictionary<string, Tensor>()).Select(pair => (pair.Key, pair.Value.to(ScalarType.Float64).sum().item<double>())).OrderBy(pair => pair.Key)];
    }

    [Fact]
    public void BinaryClassifier_HasProbabilities()
    {
        var data = _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(40));
        var options = new MahaBinaryTextClassificationTrainer.Options();
        Choose(options);
        using var model = _mlContext.BinaryClassification.Trainers.MahaTextClassification(options).Fit(data);
        var probabilities = model.Transform(data).GetColumn<float>("Probability").ToList();
        Assert.All(probabilities, probability => Assert.InRange(probability, 0, 1));
    }

    [Fact]
    public void Plan_IsToldBeforeTheTraining()
    {
        var messages = new List<string>();
        _mlContext.Log += (_, e) => messages.Add(e.RawMessage);
        using var model = Fit(o => o.NumberOfEpochs = 2);
        int plan = messages.FindIndex(message => message.StartsWith("Trains all 2 layers of", StringComparison.Ordinal));
        Assert.InRange(plan, 0, messages.FindIndex(message => message.StartsWith("Epoch 1", StringComparison.Ordinal)));
        Assert.Contains("in 2 epochs: about", messages[plan], StringComparison.Ordinal);
    }

    [Fact]
    public void WhatTheOptionsSet_GoesBeforeThePlan()
    {
        var plan = Plan() with { DocumentsPerStep = 16, TokensPerDocument = 100, MaxTokensPerBatch = 800 };
        TrainingOptions Apply(Action<MahaTextClassificationTrainer.Options>? change = null)
        {
            var options = new MahaTextClassificationTrainer.Options();
            change?.Invoke(options);
            return plan.Apply(new TrainingOptions(), options);
        }
        // Half of the layers keep their activations, so that a batch has twice the tokens; a step of 16 documents of 100 tokens is one batch.
        Assert.Equal((3, 1e-3, 1600, 1), Of(Apply()));
        plan = plan with { FrozenLayers = 0, IsCareful = true };
        Assert.Equal((3, 5e-4, 800, 16), Of(Apply()));
        Assert.Equal((3, 0.25, 77, 5), Of(Apply(o => (o.LearningRate, o.TokensPerBatch, o.MinDocumentsPerStep) = (0.25, 77, 5))));
        Assert.Equal((3, 5e-4, 77, 1), Of(Apply(o => o.TokensPerBatch = 77)));
        Assert.Equal((3, 5e-4, 800, 2), Of(Apply(o => o.MinDocumentsPerStep = 2)));

        static (int, double, int, int) Of(TrainingOptions training) =>
            (training.NumberOfEpochs, training.LearningRate, training.TokensPerBatch, training.MinDocumentsPerStep);
    }

    [Theory]
    [InlineData(0.25, 50)]
    [InlineData(0.8, 160)]
    [InlineData(1, 200)]
    public void SampleOfAPlan_HasItsShareOfEveryClass(double fraction, int count)
    {
        using var documents = TokenizedDataset.FromTokenIds(Enumerable.Range(0, 200).Select(i => (new[] { i }, i % 4)));
        var sample = (Plan() with { DocumentFraction = fraction }).Sample(documents, seed: 3);
        Assert.Equal(count, sample.Count);
        Assert.All(Enumerable.Range(0, count).CountBy(sample.LabelOf), label => Assert.InRange(label.Value, (count / 4) - 1, (count / 4) + 1));
    }

    [Fact]
    public void SegmentLossWeight_ChangesWhatLongDocumentsTeach()
    {
        var random = new Random(2);
        List<Document> documents =
            [.. Enumerable.Range(0, 24).Select(i => new Document { Label = Toys.Labels[i % 3], Text = Toys.Text(random, i % 3, 60) })];
        var data = Toys.Keyed(_mlContext, documents);
        float[] Trained(double weight)
        {
            using var model = Trainer(o => o.SegmentLossWeight = weight).Fit(data);
            return Scores(model, ["cat dog"])[0];
        }
        Assert.Contains(Trained(0).Zip(Trained(0.5)), pair => Math.Abs(pair.First - pair.Second) > 1e-4);
    }

    [Fact]
    public void ShortTime_TrainsLess_AndStillGivesAModel()
    {
        using var model = Fit(o => (o.MaxTrainingTime, o.NGrams) = (TimeSpan.FromMilliseconds(1), true));
        Assert.All(Scores(model, ["cat dog"]), row => Assert.Equal(1, row.Sum(), 1e-4));
        using var network = Fit(o => (o.MaxTrainingTime, o.NGrams) = (TimeSpan.FromMilliseconds(1), false));
        Assert.All(Scores(network, ["cat dog"]), row => Assert.Equal(1, row.Sum(), 1e-4));
    }

    [Fact]
    public void CanceledTraining_Throws_OrKeepsTheBest()
    {
        foreach (var behavior in Enum.GetValues<CancellationBehavior>())
        {
            using var source = new CancellationTokenSource();
            var trainer = Trainer(o =>
            {
                (o.CancellationBehavior, o.CancellationToken, o.NumberOfEpochs) = (behavior, source.Token, 50);
                o.Progress = new AtOnce(report =>
                {
                    if (report.Epoch == 2)
                        source.Cancel();
                });
            });
            if (behavior == CancellationBehavior.Throw)
            {
                Assert.ThrowsAny<OperationCanceledException>(() => trainer.Fit(_data));
                continue;
            }
            using var model = trainer.Fit(_data);
            Assert.All(Scores(model, ["cat dog"]), row => Assert.Equal(1, row.Sum(), 1e-4));
        }
    }

    [Theory]
    [InlineData(nameof(MahaClassifierOptions.DModel), 1024, "DModel must be left out or be that of the pretrained encoder")]
    [InlineData(nameof(MahaClassifierOptions.NumLayers), 3, "NumLayers must be left out")]
    [InlineData(nameof(MahaClassifierOptions.VocabSize), 1024, "VocabSize must be left out")]
    [InlineData(nameof(MahaClassifierOptions.DocumentLayers), 1024, "DocumentLayers must lie in [0, 100]")]
    public void OptionThatTheWeightsDecide_IsRefused(string option, int value, string message)
    {
        var refusal = Assert.ThrowsAny<ArgumentException>(() => Fit(o => typeof(MahaClassifierOptions).GetProperty(option)!.SetValue(o, value)));
        Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OptionsWithoutEffect_AreWarnedOf()
    {
        var warnings = Warnings.Of(_mlContext);
        Fit(o => o.Attention = AttentionKind.Full).Dispose();
        Assert.Contains(warnings, warning => warning.Contains("DocumentLayers is 0", StringComparison.Ordinal));
        Fit(o => (o.PretrainedModel, o.DocumentLayers, o.DModel, o.NumHeads) = (null, 1, 16, 2)).Dispose();
        Assert.Contains(warnings, warning => warning.Contains("DocumentLayers must be 0 without pretrained weights", StringComparison.Ordinal));
    }

    [Fact]
    public void MissingOrDamagedWeights_AreRefused()
    {
        Assert.Throws<FileNotFoundException>(() => Fit(o => o.PretrainedModel = Path.Combine(_folder, "none.onnx")));
        string damaged = Path.Combine(_folder, "model.onnx");
        File.WriteAllBytes(damaged, [1, 2, 3]);
        Assert.Throws<ModelFiles.MahaModelFileException>(() => Fit(o => o.PretrainedModel = damaged));
    }

    private static ReadingPlan Plan() => new()
    {
        FrozenLayers = 3,
        NumLayers = 6,
        WindowsPerDocument = 4,
        WindowsToValidate = 16,
        NumberOfEpochs = 3,
        DocumentFraction = 1,
        DocumentsPerStep = 16,
        MaxTokensPerBatch = 4096,
        IsCareful = false,
        TokensPerDocument = 100,
        Expected = TimeSpan.FromMinutes(1),
        NumDocuments = 200,
        Device = TorchSharp.DeviceType.CPU,
    };

    private MahaTextClassificationTrainer Trainer(Action<MahaTextClassificationTrainer.Options>? change = null)
    {
        var options = new MahaTextClassificationTrainer.Options();
        Choose(options);
        change?.Invoke(options);
        return _mlContext.MulticlassClassification.Trainers.MahaTextClassification(options);
    }

    private MahaTextClassificationTransformer Fit(Action<MahaTextClassificationTrainer.Options>? change = null) => Trainer(change).Fit(_data);

    private void Choose(MahaClassifierOptions options)
    {
        (options.PretrainedModel, options.NGrams, options.NumberOfEpochs, options.LearningRate, options.Seed) = (_folder, false, 2, 0.02, 1);
    }

    private double Accuracy(ITransformer model)
    {
        var scored = model.Transform(_data);
        return scored.GetColumn<uint>("Label").Zip(scored.GetColumn<uint>("PredictedLabel")).Average(pair => pair.First == pair.Second ? 1.0 : 0);
    }

    private List<float[]> Scores(ITransformer model, string[] texts) =>
        [.. model.Transform(_mlContext.Data.LoadFromEnumerable(texts.Select(text => new Document { Text = text }))).GetColumn<float[]>("Score")];
}
