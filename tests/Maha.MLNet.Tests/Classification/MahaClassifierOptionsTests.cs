using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using Maha.MLNet.Classification;
using Microsoft.ML;
using static TorchSharp.torch;
using Options = Maha.MLNet.Classification.MahaTextClassificationTrainer.Options;

namespace Maha.MLNet.Tests.Classification;

public class MahaClassifierOptionsTests
{
    private static readonly AttentionKind[] s_attentionKinds = [.. Enum.GetValues<AttentionKind>().Except([AttentionKind.MahaReference])];

    public static TheoryData<string, Action<Options>, string> Invalid => new()
    {
        { "label", o => o.LabelColumnName = "", "LabelColumnName must name a column, but is empty. Leave it out for the default." },
        { "text", o => o.TextColumnName = null!, "TextColumnName must name a column, but is null." },
        { "score", o => o.ScoreColumnName = "", "ScoreColumnName must name a column" },
        { "predicted", o => o.PredictedLabelColumnName = "", "PredictedLabelColumnName must name a column" },
        { "weight", o => o.ExampleWeightColumnName = "", "ExampleWeightColumnName must name a column, but is empty. Leave it out for the default." },
        { "same", o => o.ScoreColumnName = "PredictedLabel",
            "The added columns must have different names, but ScoreColumnName and PredictedLabelColumnName are 'PredictedLabel'. Rename one." },
        { "vocabulary", o => o.VocabSize = 261, "VocabSize must be from 262 (special tokens and 256 bytes) to 1048576, but is 261." },
        { "length 0", o => o.MaxSequenceLength = 0, "MaxSequenceLength must lie in [1, 16777216], but is 0" },
        { "length", o => o.MaxSequenceLength = (1 << 24) + 1, "MaxSequenceLength must lie in [1, 16777216], but is 16777217" },
        { "one token at both ends", o => (o.MaxSequenceLength, o.OverlongDocuments) = (1, OverlongDocuments.KeepStartAndEnd),
            "MaxSequenceLength must be at least 2 where both ends of a document are kept, but is 1." },
        { "overlong", o => o.OverlongDocuments = (OverlongDocuments)9,
            "OverlongDocuments must be one of Throw, KeepStart, KeepEnd, KeepStartAndEnd, but is 9" },
        { "attention", o => o.Attention = (AttentionKind)9, "Attention must be one of" },
        { "aggregation", o => o.Aggregation = (AggregationKind)9, "Aggregation must be one of" },
        { "heads", o => (o.DModel, o.NumHeads) = (770, 12), "770 % 12 = 2" },
        { "width", o => o.DModel = 0, "DModel must lie in [1, 65536], but is 0" },
        { "no heads", o => o.NumHeads = 0, "NumHeads must lie in [1, 128], but is 0" },
        { "layers", o => o.NumLayers = 0, "NumLayers must lie in [1, 1000], but is 0" },
        { "feed-forward", o => o.FeedForwardDim = 0, "FeedForwardDim must lie in [1, 1048576], but is 0" },
        { "scales", o => o.NumScales = 13, "NumScales must lie in [1, 12], but is 13" },
        { "ratio", o => o.CompressionRatio = 1, "CompressionRatio must lie in [2, 64], but is 1" },
        { "window", o => o.Window = 0, "Window must lie in [1, 1048576], but is 0" },
        { "positions", o => o.Positions = (PositionKind)9, "Positions must be one of" },
        { "pooling", o => o.Pooling = (PoolingKind)9, "Pooling must be one of" },
        { "reference", o => o.Attention = AttentionKind.MahaReference,
            "Attention must take padding, since documents of different lengths share a batch, but is MahaReference" },
        { "dropout", o => o.Dropout = 1, "Dropout" },
        { "dropout NaN", o => o.Dropout = double.NaN, "Dropout" },
        { "epochs", o => o.NumberOfEpochs = 0, "NumberOfEpochs must lie in" },
        { "rate", o => o.LearningRate = 0, "LearningRate must" },
        { "rate NaN", o => o.LearningRate = double.NaN, "LearningRate must" },
        { "warm-up", o => o.WarmupFraction = 1.1, "WarmupFraction must lie in [0, 1], but is 1.1" },
        { "decay", o => o.WeightDecay = -1, "WeightDecay must" },
        { "norm", o => o.MaxGradientNorm = 0, "MaxGradientNorm must" },
        { "batch", o => o.TokensPerBatch = 0, "TokensPerBatch must lie in" },
        { "documents of a step", o => o.MinDocumentsPerStep = 0, "MinDocumentsPerStep must lie in [1, 1048576], but is 0" },
        { "segments", o => o.SegmentLossWeight = 1, "SegmentLossWeight must" },
        { "smoothing", o => o.LabelSmoothing = 1, "LabelSmoothing must" },
        { "validation", o => o.ValidationFraction = 1, "ValidationFraction must" },
        { "metric", o => o.EarlyStoppingMetric = (ValidationMetric)9, "EarlyStoppingMetric must be one of" },
        { "patience", o => o.EarlyStoppingPatience = 0, "EarlyStoppingPatience must lie in" },
        { "weighting", o => o.ClassWeighting = (ClassWeighting)9, "ClassWeighting must be one of" },
        { "no time", o => o.MaxTrainingTime = TimeSpan.Zero, "MaxTrainingTime must be above 0 and at most 24 days, but is 00:00:00" },
        { "time", o => o.MaxTrainingTime = TimeSpan.MaxValue, "MaxTrainingTime must be above 0" },
        { "checkpoints", o => o.CheckpointPath = " ", "CheckpointPath must be the path of a folder, but is empty" },
        { "interval", o => o.CheckpointInterval = TimeSpan.FromTicks(-1), "CheckpointInterval must be at least 0, but is -00:00:00.0000001" },
        { "processes", o => o.Distributed = (DistributedTraining)9, "Distributed must be one of" },
        { "precision", o => o.Precision = (TrainingPrecision)9, "Precision must be one of" },
        { "cancellation", o => o.CancellationBehavior = (CancellationBehavior)9, "CancellationBehavior must be one of" },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void InvalidOption_Throws_BeforeAnyDataIsRead(string what, Action<Options> change, string message)
    {
        var options = new Options();
        change(options);
        var e = Assert.ThrowsAny<ArgumentException>(() => new MLContext().MulticlassClassification.Trainers.MahaTextClassification(options));
        Assert.True(e.Message.Contains(message, StringComparison.Ordinal), $"{what}: {e.Message}");
    }

    [Fact]
    public void InvalidBinaryOption_Throws()
    {
        var trainers = new MLContext().BinaryClassification.Trainers;
        Assert.Contains("ProbabilityColumnName must name a column, but is empty",
            Assert.Throws<ArgumentException>(() => trainers.MahaTextClassification(probabilityColumnName: "")).Message, StringComparison.Ordinal);
        Assert.Contains("ScoreColumnName and ProbabilityColumnName are 'Score'",
            Assert.Throws<ArgumentException>(() => trainers.MahaTextClassification(probabilityColumnName: "Score")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => trainers.MahaTextClassification((MahaBinaryTextClassificationTrainer.Options)null!));
    }

    [Fact]
    public void EveryOption_ReachesModelTrainingAndFile()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var options = Random(new Random(seed));
            ClassifierFitting.Check(options);
            var model = SupervisedOptions.ModelOptionsOf(options, options.VocabSize);
            OptionValues.AssertReached(options, model, seed);
            OptionValues.AssertReached(options, ClassifierFitting.TrainingOptionsOf(options, options.Seed!.Value, CPU), seed);

            var manifest = new ClassifierManifest
            {
                FormatVersion = ClassifierManifest.CurrentFormat,
                Model = model,
                Columns = new ClassifierColumns(options.LabelColumnName, options.TextColumnName, options.ScoreColumnName, null,
                    options.PredictedLabelColumnName),
                OverlongDocuments = options.OverlongDocuments,
                LabelType = nameof(String),
                Labels = ["one", "", "\"two\"\n\u00e4\ud83d\ude00"],
            };
            using var stream = new MemoryStream();
            manifest.Write(stream);
            stream.Position = 0;
            var read = ClassifierManifest.Read(stream);
            Assert.Equal(model.WithExplicitDefaults().ToString(), read.Model.ToString()); // records with a default value set and not set are not equal
            Assert.Equal(manifest.Columns, read.Columns);
            Assert.Equal(manifest.OverlongDocuments, read.OverlongDocuments);
            Assert.Equal(manifest.Labels, read.Labels);
        }
    }

    [Fact]
    public void EveryOption_IsCoveredByTheTestAbove()
    {
        string[] elsewhere =
        [
            // The manifest has the columns and the handling of overlong documents; the trainer itself uses the rest.
            nameof(Options.LabelColumnName), nameof(Options.TextColumnName), nameof(Options.ScoreColumnName), nameof(Options.PredictedLabelColumnName),
            nameof(Options.ExplanationColumnName),
            nameof(Options.OverlongDocuments), nameof(Options.ValidationSet), nameof(Options.Progress), nameof(Options.CancellationToken),
            nameof(Options.CalibrateProbabilities), nameof(Options.NGrams), nameof(Options.MaxTrainingTime), nameof(Options.CheckpointPath),
            nameof(Options.CheckpointInterval), nameof(Options.PretrainedModel),
            nameof(Options.DocumentLayers), nameof(Options.SegmentLossWeight), nameof(Options.ExampleWeightColumnName), nameof(Options.ClassWeights),
            nameof(Options.Abstention), nameof(Options.AbstainedColumnName), nameof(Options.Distributed), nameof(Options.Precision),
        ];
        OptionValues.AssertNoneForgotten(typeof(Options), [typeof(MahaTransformerOptions), typeof(TrainingOptions)], elsewhere);
    }

    public static TheoryData<AttentionKind> AttentionKinds => [.. s_attentionKinds];

    [Theory]
    [MemberData(nameof(AttentionKinds))]
    public void EveryAttention_TrainsAndIsSavedAndLoaded(AttentionKind attention)
    {
        var mlContext = new MLContext(1);
        var data = mlContext.Data.LoadFromEnumerable(Toys.Verdicts(12));
        using var model = Toys.BinaryTrainer(mlContext, options => (options.Attention, options.Positions) = (attention, PositionKind.Learned)).Fit(data);
        using var loaded = (IDisposable)EstimatorContract.SaveAndLoad(mlContext, model, data.Schema);
        Assert.Equal(Rows.Of(model.Transform(data)), Rows.Of(((ITransformer)loaded).Transform(data)));
    }

    [Theory]
    [MemberData(nameof(AttentionKinds))]
    public void MinNumWeights_AreBelowThoseOfTheNetwork_WithinAFactor(AttentionKind attention)
    {
        var options = Toys.Small<Options>();
        (options.Attention, options.Positions, options.NumLayers, options.DModel) = (attention, PositionKind.Learned, 3, 32);
        var manifest = new ClassifierManifest
        {
            FormatVersion = 1,
            Model = SupervisedOptions.ModelOptionsOf(options, 300),
            Columns = new ClassifierColumns("a", "b", "c", null, "d"),
            OverlongDocuments = OverlongDocuments.KeepStart,
            LabelType = nameof(String),
            Labels = ["x", "y"],
        };
        using var network = new MahaSequenceClassifier(manifest.Model, 2);
        long actual = network.parameters().Sum(parameter => parameter.NumberOfElements);
        Assert.InRange(manifest.MinNumWeights(), actual / 3, actual);
    }

    [Fact]
    public void Fit_NeverWritesToTheOptions()
    {
        var mlContext = new MLContext(1);
        var options = Toys.Small<Options>();
        options.Seed = null;
        options.FeedForwardDim = null;
        options.ValidationFraction = 0.2;
        var before = Values(options);
        using (mlContext.MulticlassClassification.Trainers.MahaTextClassification(options).Fit(Toys.Keyed(mlContext, Toys.Documents(20))))
            Assert.Equal(before, Values(options));
    }

    private static List<object?> Values(Options options) => [.. typeof(Options).GetProperties().Select(property => property.GetValue(options))];

    private static Options Random(Random random)
    {
        int heads = 1 + random.Next(8);
        var attention = s_attentionKinds[random.Next(s_attentionKinds.Length)];
        return new Options
        {
            LabelColumnName = "L" + random.Next(9),
            TextColumnName = "T" + random.Next(9),
            ScoreColumnName = "S" + random.Next(9),
            PredictedLabelColumnName = "P" + random.Next(9),
            VocabSize = 262 + random.Next(10000),
            MaxSequenceLength = 2 + random.Next(100000),
            OverlongDocuments = Pick<OverlongDocuments>(),
            Attention = attention,
            Aggregation = Pick<AggregationKind>(),
            DModel = heads * (2 + 2 * random.Next(40)),
            NumHeads = heads,
            NumLayers = 1 + random.Next(20),
            FeedForwardDim = random.Next(3) == 0 ? null : 1 + random.Next(1000),
            NumScales = random.Next(3) == 0 ? null : 1 + random.Next(12),
            CompressionRatio = 2 + random.Next(63),
            Window = 1 + random.Next(1000),
            LocalResidual = random.Next(2) == 0,
            Branching = 2 + random.Next(100),
            Positions = Pick<PositionKind>(),
            Pooling = Pick<PoolingKind>(),
            Dropout = random.NextDouble(),
            NumberOfEpochs = 1 + random.Next(99),
            LearningRate = 1e-6 + random.NextDouble(),
            WarmupFraction = random.NextDouble(),
            WeightDecay = random.NextDouble(),
            MaxGradientNorm = 0.01 + random.NextDouble(),
            TokensPerBatch = 1 + random.Next(100000),
            GradientAccumulation = 1 + random.Next(9),
            MinDocumentsPerStep = random.Next(3) == 0 ? null : 1 + random.Next(99),
            LabelSmoothing = random.NextDouble(),
            ValidationFraction = random.NextDouble(),
            EarlyStoppingMetric = Pick<ValidationMetric>(),
            EarlyStoppingPatience = random.Next(3) == 0 ? null : 1 + random.Next(9),
            ClassWeighting = Pick<ClassWeighting>(),
            CancellationBehavior = Pick<CancellationBehavior>(),
            Seed = random.Next(),
        };

        T Pick<T>() where T : struct, Enum
        {
            var values = Enum.GetValues<T>();
            return values[random.Next(values.Length)];
        }
    }
}
