using Maha.Layers.Training;
using Maha.MLNet.MultiLabel;
using Maha.MLNet.Tests.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.MultiLabel;

public sealed class MahaMultiLabelTextClassificationTrainerTests : IDisposable
{
    private readonly MLContext _mlContext = new(1);
    private readonly Lazy<string> _pretrained = new(SmallBert.WriteFolder);

    public static TheoryData<string> Forms => ["network", "n-grams", "windows"];

    public void Dispose()
    {
        if (_pretrained.IsValueCreated)
            Directory.Delete(_pretrained.Value, recursive: true);
    }

    [Fact]
    public void Trainer_KeepsTheContract()
    {
        var keyed = LabelToys.Keyed(_mlContext, LabelToys.Rows(16));
        EstimatorContract.Check(_mlContext, LabelToys.Trainer(_mlContext, o => o.NumberOfTopLabels = 2), Without(keyed, "Weight", "Joined"),
            (Toys.Keyed(_mlContext, Toys.Documents(3)), "Label column 'Label' must be a vector of keys, a vector of texts, or a text with a LabelSeparator"),
            (_mlContext.Transforms.DropColumns("Text").Fit(keyed).Transform(keyed), "There must be a column 'Text'"));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Model_LearnsEveryLabel(string form)
    {
        var data = LabelToys.Keyed(_mlContext, LabelToys.Rows(240));
        using var model = Fit(form, data);
        var test = LabelToys.Keyed(_mlContext, LabelToys.Rows(80, seed: 2));
        var metrics = _mlContext.MulticlassClassification.MahaEvaluateMultiLabel(model.Transform(test));
        Assert.Equal(80, metrics.NumberOfDocuments);
        Assert.True(metrics.MicroF1 > (form == "windows" ? 0.75 : 0.95), $"micro F1 {metrics.MicroF1}");
        Assert.True(metrics.LabelRankingAveragePrecision > 0.8, $"LRAP {metrics.LabelRankingAveragePrecision}");
        Assert.Equal(Toys.Labels, model.Labels);
        Assert.Equal(3, model.Thresholds.Count);
    }

    [Theory]
    [InlineData("network")]
    [InlineData("windows")]
    public void NetworkThatHasLearnedNothing_PredictsTheShares(string form)
    {
        // One label in ten documents, one in half of them, one in most; with so small a rate the weights stay where they start.
        var random = new Random(1);
        List<Tagged> rows =
        [
            .. Enumerable.Range(0, 200).Select(i => new Tagged
            {
                Label = [.. Toys.Labels.Where((_, l) => (i % 10) < new[] { 1, 5, 8 }[l])],
                Text = Toys.Filler(random, 8),
            }),
        ];
        var data = LabelToys.Keyed(_mlContext, rows);
        using var model = Fit(form, data, o => (o.ValidationFraction, o.NumberOfEpochs, o.LearningRate) = (0, 1, 1e-12));
        var predictions = LabelToys.Predict(_mlContext, model, data);
        double[] shares = [0.1, 0.5, 0.8];
        for (int l = 0; l < 3; l++)
        {
            // The random weights of the layers below still move each prediction.
            double odds = predictions.Average(row => Math.Log(row.Probability[l] / (1 - row.Probability[l])));
            Assert.Equal(Math.Log(shares[l] / (1 - shares[l])), odds, 0.75);
        }
    }

    [Fact]
    public void Columns_AgreeWithEachOther()
    {
        var data = LabelToys.Keyed(_mlContext, LabelToys.Rows(120));
        using var model = Fit("n-grams", data, o => o.NumberOfTopLabels = 2);
        var schema = model.GetOutputSchema(data.Schema);
        VBuffer<ReadOnlyMemory<char>> names = default;
        foreach (string column in new[] { "Score", "Probability" })
        {
            schema[column].GetSlotNames(ref names);
            Assert.Equal(Toys.Labels, names.DenseValues().Select(name => name.ToString()));
        }
        var top = _mlContext.Data.CreateEnumerable<Top>(
            _mlContext.Transforms.Conversion.MapKeyToValue("TopLabels").Fit(model.Transform(data)).Transform(model.Transform(data)), false).ToList();
        var rows = LabelToys.Predict(_mlContext, model, data);
        Assert.Contains(rows, row => row.Labels.Length == 0);
        Assert.Contains(rows, row => row.Labels.Length == 3);
        foreach (var (row, two) in rows.Zip(top))
        {
            string[] ranked = [.. Toys.Labels.OrderByDescending(label => row.Probability[Array.IndexOf(Toys.Labels, label)])];
            Assert.Equal(ranked.Where(label => row.Score[Array.IndexOf(Toys.Labels, label)] > 0), row.Labels);
            Assert.Equal(ranked.Take(2), two.TopLabels);
            for (int l = 0; l < 3; l++)
            {
                double threshold = model.Thresholds[l], odds = row.Score[l] + Math.Log(threshold / (1 - threshold));
                Assert.Equal(1 / (1 + Math.Exp(-odds)), row.Probability[l], 1e-5);
            }
        }
    }

    [Fact]
    public void EveryFormOfTheLabels_GivesTheSameModel()
    {
        var rows = LabelToys.Rows(80);
        var plain = _mlContext.Data.LoadFromEnumerable(rows);
        using var ofKeys = LabelToys.Trainer(_mlContext, epochs: 2).Fit(LabelToys.Keyed(_mlContext, rows));
        using var ofTexts = LabelToys.Trainer(_mlContext, epochs: 2).Fit(plain);
        using var ofOneText = LabelToys.Trainer(_mlContext, o => (o.LabelColumnName, o.LabelSeparator) = ("Joined", ";"), epochs: 2).Fit(plain);
        var expected = Rows.Of(ofKeys.Transform(plain));
        Assert.Equal(expected, Rows.Of(ofTexts.Transform(plain)));
        Assert.Equal(expected, Rows.Of(ofOneText.Transform(plain)));
        var metrics = _mlContext.MulticlassClassification.MahaEvaluateMultiLabel(ofKeys.Transform(LabelToys.Keyed(_mlContext, rows)));
        var same = _mlContext.MulticlassClassification.MahaEvaluateMultiLabel(ofKeys.Transform(plain), labelColumnName: "Joined", labelSeparator: ";");
        Assert.Equal(metrics.MicroF1, same.MicroF1);
        Assert.Equal(metrics.PerLabel, same.PerLabel);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void RowsOfWeightZero_AreLeftOut_AndACommonFactorChangesNothing(string form)
    {
        List<Tagged> Weighted(Func<int, float> weightOf)
        {
            var rows = LabelToys.Rows(96);
            for (int i = 0; i < rows.Count; i++)
                rows[i].Weight = weightOf(i);
            return rows;
        }
        List<string> Predictions(List<Tagged> rows)
        {
            using var model = Fit(form, LabelToys.Keyed(_mlContext, rows), o => (o.ExampleWeightColumnName, o.NumberOfEpochs) = ("Weight", 2));
            var test = LabelToys.Keyed(_mlContext, LabelToys.Rows(8));
            return Rows.Of(model.Transform(test), [model.GetOutputSchema(test.Schema)["Score"]]);
        }
        var expected = Predictions(Weighted(i => 1 + (i % 2)));
        Assert.Equal(expected, Predictions(Weighted(i => 3 * (1 + (i % 2)))));
        Assert.NotEqual(expected, Predictions(Weighted(_ => 1)));
        Assert.Equal(Predictions([.. Weighted(_ => 1).Where((_, i) => i % 5 != 0)]), Predictions(Weighted(i => i % 5 == 0 ? 0 : 1)));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void ATrainingThatIsEnded_GoesOn_AndGivesTheSameModel(string form)
    {
        string folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;
        try
        {
            var data = LabelToys.Keyed(_mlContext, LabelToys.Rows(64));
            byte[] Train(Action<MahaMultiLabelTextClassificationTrainer.Options> change)
            {
                using var model = Fit(form, data, o =>
                {
                    o.NumberOfEpochs = 3;
                    change(o);
                });
                return ModelZip.Content(ModelZip.Save(_mlContext, model, data.Schema));
            }
            byte[] expected = Train(_ => { });
            using var source = new CancellationTokenSource();
            Assert.ThrowsAny<OperationCanceledException>(() => Train(o =>
            {
                (o.CheckpointPath, o.CheckpointInterval, o.CancellationToken) = (folder, TimeSpan.Zero, source.Token);
                o.Progress = new AtOnce(now =>
                {
                    if (now.Step == 2)
                        source.Cancel();
                });
            }));
            Assert.NotEmpty(Directory.GetFiles(folder));
            Assert.True(expected.AsSpan().SequenceEqual(Train(o => o.CheckpointPath = folder)));
            Assert.Empty(Directory.GetFiles(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void ACanceledTrainingThatKeepsItsBest_HasAModel()
    {
        using var source = new CancellationTokenSource();
        var data = LabelToys.Keyed(_mlContext, LabelToys.Rows(64));
        using var model = Fit("n-grams", data, o =>
        {
            (o.CancellationToken, o.CancellationBehavior) = (source.Token, CancellationBehavior.KeepBest);
            o.Progress = new AtOnce(_ => source.Cancel());
        });
        Assert.True(_mlContext.MulticlassClassification.MahaEvaluateMultiLabel(model.Transform(data)).MicroF1 > 0.9);
        using var limited = Fit("n-grams", data, o => (o.MaxTrainingTime, o.NumberOfEpochs) = (TimeSpan.FromSeconds(1), 1_000_000));
        Assert.True(_mlContext.MulticlassClassification.MahaEvaluateMultiLabel(limited.Transform(data)).MicroF1 > 0.9);
    }

    [Fact]
    public void WithoutValidation_ThereIsAModel()
    {
        var data = LabelToys.Keyed(_mlContext, LabelToys.Rows(80));
        using var model = LabelToys.Trainer(_mlContext, o => o.NGrams = true, epochs: 3).Fit(data);
        Assert.All(model.Thresholds, threshold => Assert.Equal(0.5, threshold));
        Assert.True(_mlContext.MulticlassClassification.MahaEvaluateMultiLabel(model.Transform(data)).MicroF1 > 0.8);
    }

    [Fact]
    public void ASavedModel_StartsATraining()
    {
        string path = Path.GetTempFileName();
        try
        {
            var data = LabelToys.Keyed(_mlContext, LabelToys.Rows(40));
            using var first = LabelToys.Trainer(_mlContext, epochs: 2).Fit(data);
            _mlContext.Model.SaveSafely(first, data.Schema, path);
            using var second = Toys.Trainer(_mlContext, o => o.PretrainedModel = path).Fit(Toys.Keyed(_mlContext, Toys.Documents(12)));
            Assert.NotNull(second);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void DataWithoutEnoughLabels_AreRefused()
    {
        var rows = LabelToys.Rows(8);
        rows.ForEach(row => row.Label = []);
        Assert.Contains("must have documents with labels, but none of the 8 has one",
            Assert.Throws<InvalidOperationException>(() => LabelToys.Trainer(_mlContext).Fit(LabelToys.Keyed(_mlContext, rows))).Message);
        rows[0].Label = ["one"];
        Assert.Contains("must have at least two different labels, but column 'Label' has 1",
            Assert.Throws<InvalidOperationException>(() => LabelToys.Trainer(_mlContext).Fit(_mlContext.Data.LoadFromEnumerable(rows))).Message);
    }

    public static TheoryData<Action<MahaMultiLabelTextClassificationTrainer.Options>, string> Invalid => new()
    {
        { o => o.LabelSeparator = "", "LabelSeparator must have a character, but is empty" },
        { o => o.NumberOfTopLabels = -1, "NumberOfTopLabels must lie in [0, 2147483647], but is -1" },
        { o => o.PredictedLabelsColumnName = "Score", "ScoreColumnName and PredictedLabelsColumnName are 'Score'" },
        { o => (o.NumberOfTopLabels, o.TopLabelsColumnName) = (1, "Score"), "ScoreColumnName and TopLabelsColumnName are 'Score'" },
        { o => o.ProbabilityColumnName = "", "ProbabilityColumnName must name a column, but is empty" },
        { o => o.SegmentLossWeight = 1, "SegmentLossWeight must" },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void InvalidOption_Throws_BeforeAnyDataIsRead(Action<MahaMultiLabelTextClassificationTrainer.Options> change, string message) =>
        Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(() => LabelToys.Trainer(_mlContext, change)).Message, StringComparison.Ordinal);

    [Fact]
    public void EveryOption_ReachesTheTraining()
    {
        string[] used =
        [
            .. typeof(Maha.MLNet.Classification.MahaTextClassificationTrainer.Options).GetProperties().Select(property => property.Name),
            "LabelSeparator", "ProbabilityColumnName", "PredictedLabelsColumnName", "NumberOfTopLabels", "TopLabelsColumnName",
        ];
        Assert.Empty(typeof(MahaMultiLabelTextClassificationTrainer.Options).GetProperties().Select(property => property.Name).Except(used));
    }

    private MahaMultiLabelTextClassificationTransformer Fit(
        string form, IDataView data, Action<MahaMultiLabelTextClassificationTrainer.Options>? change = null) => LabelToys.Trainer(_mlContext, o =>
    {
        (o.NGrams, o.ValidationFraction, o.EarlyStoppingPatience) = (form == "n-grams", 0.25, null);
        if (form == "windows")
        {
            // Left out, so that the options of the architecture have their defaults.
            (o.VocabSize, o.DModel, o.NumLayers, o.FeedForwardDim) = (8192, 128, 2, null);
            (o.PretrainedModel, o.LearningRate) = (_pretrained.Value, 0.01);
        }
        change?.Invoke(o);
    }, epochs: form == "windows" ? 25 : 12).Fit(data);

    private IDataView Without(IDataView data, params string[] columns) => _mlContext.Transforms.DropColumns(columns).Fit(data).Transform(data);

    private sealed class Top
    {
        public string[] TopLabels { get; set; } = [];
    }
}
