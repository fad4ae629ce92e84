using Maha.Layers.Core;
using Maha.Layers.Training;
using Maha.MLNet.Classification;
using Maha.MLNet.Tests.LanguageModel;
using Maha.MLNet.Tests.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace Maha.MLNet.Tests.Fitting;

/// <summary>Fittings that are ended and go on, for every estimator.</summary>
public sealed class CheckpointTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;
    private readonly List<(ChannelMessageKind Kind, string Text)> _messages = [];
    private readonly MLContext _mlContext = new(1);
    private readonly Lazy<string> _pretrained = new(SmallBert.WriteFolder);

    public CheckpointTests() => _mlContext.Log += (_, e) => _messages.Add((e.Kind, e.RawMessage));

    public static TheoryData<string> Estimators =>
        ["multiclass", "multiclass with n-grams", "multiclass with weights", "binary", "validation set", "windows", "encoder", "language model", "in BFloat16"];

    private IEnumerable<string> Warnings => _messages.Where(message => message.Kind == ChannelMessageKind.Warning).Select(message => message.Text);

    private string[] Files => [.. Directory.GetFiles(_folder).Order(StringComparer.Ordinal)];

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        if (_pretrained.IsValueCreated)
            Directory.Delete(_pretrained.Value, recursive: true);
    }

    [Theory]
    [MemberData(nameof(Estimators))]
    public void AFittingThatIsEnded_GoesOn_AndGivesTheSameModel(string estimator)
    {
        byte[] expected = Fit(estimator, _ => { })!;
        int steps = CountSteps(estimator);
        Assert.InRange(steps, 6, 200);
        for (int step = 1; step < steps; step += Math.Max(1, steps / 3))
        {
            Assert.Null(EndAt(estimator, step, WithFolder));
            Assert.InRange(Files.Length, 1, 2);
            _messages.Clear();
            byte[] resumed = Fit(estimator, WithFolder)!;
            Assert.Contains(_messages, message => message.Text.StartsWith("Goes on from the checkpoint of", StringComparison.Ordinal));
            Assert.Contains(_messages, message => message.Text.StartsWith("The training of the network goes on in epoch", StringComparison.Ordinal));
            Assert.DoesNotContain(Warnings, warning => warning.Contains("checkpoint", StringComparison.Ordinal));
            Assert.True(expected.AsSpan().SequenceEqual(resumed), $"{estimator}: another model after an end at step {step} of {steps}");
            Assert.Empty(Files);
        }
    }

    [Fact]
    public void AFittingThatIsEndedWhileItReads_GoesOn()
    {
        var documents = Toys.Verdicts(90);
        byte[] Train(Action<MahaEstimatorOptions> change, Action<int> onRow)
        {
            int rows = 0;
            IEnumerable<Verdict> Read()
            {
                foreach (var document in documents)
                {
                    onRow(++rows);
                    yield return document;
                }
            }
            var data = _mlContext.Data.LoadFromEnumerable(Read());
            using var model = Toys.BinaryTrainer(_mlContext, options =>
            {
                (options.NGrams, options.ValidationFraction) = (true, 0.2);
                change(options);
            }, epochs: 2).Fit(data);
            return ModelZip.Content(ModelZip.Save(_mlContext, model, data.Schema));
        }

        int all = 0;
        byte[] expected = Train(_ => { }, rows => all = rows);
        Assert.InRange(all, 180, 1000);
        for (int end = 1; end < all; end += 17)
        {
            using var source = new CancellationTokenSource();
            Assert.ThrowsAny<OperationCanceledException>(() => Train(options =>
            {
                EveryStep(options);
                options.CancellationToken = source.Token;
            }, rows =>
            {
                if (rows == end)
                    source.Cancel();
            }));
            Assert.Equal(expected, Train(EveryStep, _ => { }));
            Assert.Empty(Files);
        }
    }

    [Fact]
    public void TheLastTwoCheckpointsAreKept_AndADamagedOneIsPassedOver()
    {
        byte[] expected = Fit("multiclass with n-grams", _ => { })!;
        Assert.Null(EndAt("multiclass with n-grams", 7, EveryStep));
        Assert.Equal(2, Files.Length);
        byte[] newest = File.ReadAllBytes(Files[1]);
        foreach (int place in new[] { 0, 20, newest.Length / 2, newest.Length - 1 })
        {
            byte[] damaged = [.. newest];
            damaged[place] ^= 4;
            File.WriteAllBytes(Files[1], damaged);
            _messages.Clear();
            // Ended again at once, so that the files stay.
            Assert.Null(EndAt("multiclass with n-grams", 0, EveryStep, out _));
            Assert.Contains("is not whole and is passed over", Assert.Single(Warnings), StringComparison.Ordinal);
        }
        File.WriteAllBytes(Files[1], newest[..(newest.Length / 3)]);
        byte[] resumed = Fit("multiclass with n-grams", WithFolder)!;
        Assert.Equal(expected, resumed);
    }

    [Fact]
    public void WhereAllAreDamaged_TheFittingBeginsAnew()
    {
        byte[] expected = Fit("binary", _ => { })!;
        Assert.Null(EndAt("binary", 4, EveryStep));
        foreach (string file in Files)
            File.WriteAllText(file, "damaged");
        _messages.Clear();
        Assert.Equal(expected, Fit("binary", WithFolder));
        Assert.Equal(2, Warnings.Count());
        Assert.Empty(Files);
    }

    public static TheoryData<string, Action<MahaEstimatorOptions>, string> OtherOptions => new()
    {
        { "multiclass", o => o.LearningRate = 0.03, "LearningRate (0.02 there, 0.03 here)" },
        { "multiclass", o => (o.Dropout, o.NumberOfEpochs) = (0.2, 9), "Dropout (0.1 there, 0.2 here), NumberOfEpochs (3 there, 9 here)" },
        { "windows", o => ((MahaClassifierOptions)o).DocumentLayers = 0, "DocumentLayers (1 there, 0 here)" },
        { "multiclass", o => o.Seed = 8, "Seed (7 there, 8 here)" },
        { "multiclass", o => o.MaxTrainingTime = TimeSpan.FromHours(1), "MaxTrainingTime (none there, 01:00:00 here)" },
        { "encoder", o => o.VocabSize = 300, "VocabSize (320 there, 300 here)" },
        { "multiclass", o => ((MahaClassifierOptions)o).ExampleWeightColumnName = "Weight", "ExampleWeightColumnName (none there, Weight here)" },
        {
            "multiclass with weights", o => ((MahaClassifierOptions)o).ClassWeights = new Dictionary<string, double> { ["tools"] = 3 },
            "ClassWeights (tools 2 there, tools 3 here)"
        },
        { "multiclass", o => ((MahaClassifierOptions)o).Abstention = Abstention.Below(0.6), "Abstention (none there, Below(0.6) here)" },
        { "language model", o => o.DModel = 32, "DModel (16 there, 32 here)" },
        { "multiclass", o => o.Precision = TrainingPrecision.BFloat16, "Precision (Float32 there, BFloat16 here)" },
        { "in BFloat16", o => o.Precision = TrainingPrecision.Auto, "Precision (BFloat16 there, Float32 here)" },
    };

    [Theory]
    [MemberData(nameof(OtherOptions))]
    public void OtherOptions_AreRefused_AndNamed(string estimator, Action<MahaEstimatorOptions> change, string difference)
    {
        Assert.Null(EndAt(estimator, 2, WithFolder));
        string[] before = Files;
        var e = Assert.Throws<ArgumentException>(() => Fit(estimator, options =>
        {
            WithFolder(options);
            change(options);
        }));
        Assert.Contains($"differs by {difference}.", e.Message, StringComparison.Ordinal);
        Assert.Contains(_folder, e.Message, StringComparison.Ordinal);
        Assert.Equal(before, Files);
    }

    [Fact]
    public void OtherPretrainedWeights_OfTheSameName_AreRefused()
    {
        Assert.Null(EndAt("windows", 2, WithFolder));
        File.AppendAllText(Path.Combine(_pretrained.Value, "config.json"), " ");
        var e = Assert.Throws<ArgumentException>(() => Fit("windows", WithFolder));
        Assert.Contains($"differs by PretrainedModel ({_pretrained.Value} with SHA-256", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AnotherEstimator_IsRefused()
    {
        Assert.Null(EndAt("multiclass", 2, WithFolder));
        var e = Assert.Throws<ArgumentException>(() => Fit("binary", WithFolder));
        Assert.Contains("Estimator (MahaTextClassificationTrainer there, MahaBinaryTextClassificationTrainer here)", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("multiclass", "the training data (90 rows")]
    [InlineData("validation set", "the validation data (24 rows")]
    [InlineData("multiclass with weights", "the training data (90 rows")]
    [InlineData("encoder", "the training data (90 rows")]
    [InlineData("language model", "the training data (60 rows")]
    public void OtherData_AreRefused_AndNamed(string estimator, string difference)
    {
        Assert.Null(EndAt(estimator, 2, WithFolder));
        _isOtherData = true;
        var e = Assert.Throws<ArgumentException>(() => Fit(estimator, WithFolder));
        Assert.Contains($"differs by {difference}", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherLabels_AreRefused_WhereTheRowsAreTheSame()
    {
        Assert.Null(EndAt("multiclass", 2, WithFolder));
        _areOtherLabels = true;
        var e = Assert.Throws<ArgumentException>(() => Fit("multiclass", WithFolder));
        Assert.Contains("differs by the labels (3 of type String with SHA-256", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void TheTimeBefore_CountsTowardTheLimit()
    {
        void Limited(MahaEstimatorOptions options)
        {
            WithFolder(options);
            options.MaxTrainingTime = TimeSpan.FromSeconds(6);
            options.NumberOfEpochs = 1_000_000;
            options.EarlyStoppingPatience = null;
        }
        // Ended after most of the time: what is left is less than the whole limit.
        Assert.Null(EndAt("binary", int.MaxValue, Limited, out _, TimeSpan.FromSeconds(5)));
        var watch = System.Diagnostics.Stopwatch.StartNew();
        Assert.NotNull(Fit("binary", Limited));
        // Six seconds and more if the time before did not count; the rest of the limit is one second.
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 5.9);
        Assert.Empty(Files);
    }

    [Fact]
    public void ACanceledTrainingThatKeepsItsBest_CanGoOn()
    {
        byte[] expected = Fit("binary", _ => { })!;
        void KeepBest(MahaEstimatorOptions options)
        {
            WithFolder(options);
            options.CancellationBehavior = CancellationBehavior.KeepBest;
        }
        Assert.NotNull(EndAt("binary", 5, KeepBest));
        Assert.NotEmpty(Files);
        Assert.Equal(expected, Fit("binary", WithFolder));
    }

    [Fact]
    public void AFolderInUse_IsRefused()
    {
        var failures = new List<Exception>();
        Fit("binary", options =>
        {
            WithFolder(options);
            options.Progress = new AtOnce(now =>
            {
                if (now.Step == 1)
                    failures.Add(Record.Exception(() => Fit("binary", WithFolder)));
            });
        });
        var e = Assert.IsType<IOException>(Assert.Single(failures));
        Assert.Contains("no other training uses", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFileInPlaceOfTheFolder_IsRefused()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        var e = Assert.Throws<IOException>(() => Fit("binary", options => options.CheckpointPath = file));
        Assert.Contains("CheckpointPath must be a folder", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFolderThatIsRemovedMeanwhile_DoesNotEndTheTraining()
    {
        byte[] expected = Fit("binary", _ => { })!;
        string folder = Path.Combine(_folder, "inner");
        byte[]? model = Fit("binary", options =>
        {
            options.CheckpointPath = folder;
            options.CheckpointInterval = TimeSpan.Zero;
            options.Progress = new AtOnce(now =>
            {
                if (now.Step == 3 && now.Validation is null)
                    Directory.Delete(folder, recursive: true);
            });
        });
        Assert.Equal(expected, model);
    }

    [Fact]
    public void ACheckpointThatCannotBeWritten_IsAWarning()
    {
        byte[] expected = Fit("binary", _ => { })!;
        byte[]? model = Fit("binary", options =>
        {
            EveryStep(options);
            options.Progress = new AtOnce(now =>
            {
                // A folder in the place of the file that would be written next.
                for (int number = 1; now.Step == 2 && number < 30; number++)
                    Directory.CreateDirectory(Path.Combine(_folder, $"checkpoint-{number:D6}.maha{AtomicFile.PartialSuffix}"));
            });
        });
        Assert.Equal(expected, model);
        Assert.Contains(
            Warnings, warning => warning.StartsWith("A checkpoint could not be written; the training goes on without it.", StringComparison.Ordinal));
    }

    [Fact]
    public void ADivergedTraining_LeavesNoCheckpoint()
    {
        Assert.Throws<TrainingDivergedException>(() => Fit("language model", options =>
        {
            EveryStep(options);
            options.LearningRate = 1e30;
        }));
        Assert.Empty(Files);
    }

    private bool _isOtherData;
    private bool _areOtherLabels;

    private void WithFolder(MahaEstimatorOptions options) => options.CheckpointPath = _folder;

    private void EveryStep(MahaEstimatorOptions options) => (options.CheckpointPath, options.CheckpointInterval) = (_folder, TimeSpan.Zero);

    private int CountSteps(string estimator)
    {
        long steps = 0;
        Fit(estimator, options => options.Progress = new AtOnce(now => steps = now.Step));
        return (int)steps;
    }

    private byte[]? EndAt(string estimator, int step, Action<MahaEstimatorOptions> change) => EndAt(estimator, step, change, out _);

    // The model, or null where the fitting ended with the cancellation; step 0 is before any data is read.
    private byte[]? EndAt(string estimator, int step, Action<MahaEstimatorOptions> change, out long last, TimeSpan? time = null)
    {
        using var source = new CancellationTokenSource();
        if (step == 0)
            source.Cancel();
        if (time is { } limit)
            source.CancelAfter(limit);
        long reached = 0;
        try
        {
            return Fit(estimator, options =>
            {
                change(options);
                options.CancellationToken = source.Token;
                options.Progress = new AtOnce(now =>
                {
                    reached = now.Step;
                    if (now.Step == step)
                        source.Cancel();
                });
            });
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        finally
        {
            last = reached;
        }
    }

    private byte[]? Fit(string estimator, Action<MahaEstimatorOptions> change)
    {
        int seed = _isOtherData ? 2 : 1;
        var keyed = Toys.Keyed(_mlContext, Toys.Documents(90, seed).Select(
            row => new Document { Label = _areOtherLabels ? "other " + row.Label : row.Label, Text = row.Text, Weight = row.Weight }));
        // Other weights of the same rows are other data, too.
        var weighted = Toys.Keyed(_mlContext, [.. Toys.Documents(90).Select(row => new Document { Label = row.Label, Text = row.Text, Weight = row.Weight + seed })]);
        var verdicts = _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(90, seed));
        var passages = _mlContext.Data.LoadFromEnumerable(LanguageToys.Passages(60, seed));
        void Classifier(MahaEstimatorOptions options)
        {
            options.ValidationFraction = 0.2;
            options.EarlyStoppingPatience = null;
            change(options);
        }

        (ITransformer Model, IDataView Data) result = estimator switch
        {
            "multiclass" => (Toys.Trainer(_mlContext, Classifier, epochs: 3).Fit(keyed), keyed),
            "multiclass with n-grams" => (Toys.Trainer(_mlContext, options =>
            {
                options.NGrams = true;
                Classifier(options);
            }, epochs: 3).Fit(keyed), keyed),
            "multiclass with weights" => (Toys.Trainer(_mlContext, options =>
            {
                (options.NGrams, options.ExampleWeightColumnName) = (true, "Weight");
                options.ClassWeights = new Dictionary<string, double> { ["tools"] = 2 };
                Classifier(options);
            }, epochs: 3).Fit(weighted), weighted),
            "validation set" => (Toys.Trainer(_mlContext, options =>
            {
                options.NGrams = true;
                options.ValidationSet = Toys.Keyed(_mlContext, Toys.Documents(24, seed + 5));
                keyed = Toys.Keyed(_mlContext, Toys.Documents(90));
                Classifier(options);
            }, epochs: 3).Fit(keyed), keyed),
            "windows" => (Toys.Trainer(_mlContext, options =>
            {
                // Left out, so that the options of the architecture have their defaults.
                (options.VocabSize, options.DModel, options.NumLayers, options.FeedForwardDim) = (8192, 128, 2, null);
                (options.PretrainedModel, options.DocumentLayers) = (_pretrained.Value, 1);
                Classifier(options);
            }, epochs: 3).Fit(keyed), keyed),
            "binary" => (Toys.BinaryTrainer(_mlContext, Classifier, epochs: 3).Fit(verdicts), verdicts),
            "in BFloat16" => (Toys.BinaryTrainer(_mlContext, options =>
            {
                options.Precision = TrainingPrecision.BFloat16;
                Classifier(options);
            }, epochs: 3).Fit(verdicts), verdicts),
            "encoder" => (Encoders.Fit(_mlContext, keyed, options =>
            {
                (options.NumberOfEpochs, options.TokensPerBatch, options.ChunksPerDocument) = (3, 256, 1);
                change(options);
            }), keyed),
            "language model" => (LanguageToys.Estimator(_mlContext, options =>
            {
                options.ValidationFraction = 0.2;
                change(options);
            }, epochs: 3).Fit(passages), passages),
            _ => throw new ArgumentException(estimator),
        };
        using var owner = (IDisposable)result.Model;
        return ModelZip.Content(ModelZip.Save(_mlContext, result.Model, result.Data.Schema));
    }
}
