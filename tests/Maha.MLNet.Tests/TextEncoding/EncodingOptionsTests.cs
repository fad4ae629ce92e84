using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using static TorchSharp.torch;
using Options = Maha.MLNet.TextEncoding.MahaTextEncodingEstimator.Options;

namespace Maha.MLNet.Tests.TextEncoding;

public class EncodingOptionsTests
{
    public static TheoryData<Action<Options>, string> Invalid => new()
    {
        { o => o.OutputColumnName = "", "OutputColumnName must name a column, but is empty" },
        { o => o.InputColumnName = "", "InputColumnName must name a column, but is empty" },
        { o => o.SegmentColumnName = "", "SegmentColumnName must name a column, but is empty" },
        { o => o.SegmentColumnName = "Features", "The added columns must have different names" },
        { o => o.Segments = (SegmentKind)9, "Segments must be one of Sentence, Paragraph, Window, but is 9" },
        { o => o.SpectralDim = -1, "SpectralDim must lie in [0, 4096], but is -1" },
        { o => o.NumPairBuckets = -1, "NumPairBuckets must lie in" },
        { o => o.BeginningTokens = -1, "BeginningTokens must lie in" },
        { o => o.ContextualWeight = double.NaN, "ContextualWeight must lie in [0, 1000]" },
        { o => o.MaskedTokenWeight = -1, "MaskedTokenWeight must be at least 0" },
        { o => o.ContrastiveWeight = double.PositiveInfinity, "ContrastiveWeight must be at least 0 and finite" },
        { o => (o.MaskedTokenWeight, o.ContrastiveWeight) = (0, 0), "must be above 0, but both are 0" },
        { o => o.MaskFraction = 1, "MaskFraction" },
        { o => o.MaskFraction = 0, "MaskFraction must be above 0" },
        { o => o.ViewLength = 1, "ViewLength must lie in" },
        { o => o.Temperature = 0, "Temperature must be above 0" },
        { o => o.ChunksPerDocument = 0, "ChunksPerDocument must be at least 1" },
        { o => o.MaxTrainingTime = TimeSpan.Zero, "MaxTrainingTime must be" },
        { o => o.PretrainedModel = "", "PretrainedModel must be the path of a file or folder, but is empty" },
        { o => o.SegmentOffsetsColumnName = "", "SegmentOffsetsColumnName must name a column, but is empty" },
        { o => o.SegmentOffsetsColumnName = "Ranges", "SegmentOffsetsColumnName must be null without a SegmentColumnName" },
        { o => (o.SegmentColumnName, o.SegmentOffsetsColumnName) = ("Parts", "Parts"), "The added columns must have different names" },
        { o => o.Segments = SegmentKind.Window, "Segments must be Sentence or Paragraph without a PretrainedModel" },
        {
            o => (o.Segments, o.PretrainedModel, o.OverlongDocuments) = (SegmentKind.Window, "model", OverlongDocuments.KeepStartAndEnd),
            "must keep one end of a document"
        },
        { o => o.Freeze = true, "Freeze must be false without a PretrainedModel" },
        { o => (o.DModel, o.NumHeads) = (770, 12), "770 % 12 = 2" },
        { o => o.Attention = AttentionKind.MahaReference, "Attention must take padding" },
        { o => o.Pooling = (PoolingKind)9, "Pooling must be one of" },
        { o => o.NumberOfEpochs = 0, "NumberOfEpochs must lie in" },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void InvalidOption_Throws_BeforeAnyDataIsRead(Action<Options> change, string message)
    {
        var refusal = Assert.ThrowsAny<ArgumentException>(() =>
        {
            var options = new Options();
            change(options);
            new MLContext().Transforms.MahaEncode(options);
        });
        Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WithoutHeldOutDocuments_NoPieceOfADocumentValidates()
    {
        var mlContext = new MLContext(1);
        int validations = 0;
        // Of a document with several pieces, some could be held out.
        using var model = Encoders.Fit(mlContext, mlContext.Data.LoadFromEnumerable(Toys.Documents(40)), o =>
        {
            (o.ValidationFraction, o.ViewLength) = (0, 2);
            o.Progress = new AtOnce(now => validations += now.Validation is null ? 0 : 1);
        });
        Assert.Equal(0, validations);
    }

    [Theory]
    [InlineData(0, null)]
    [InlineData(0.25, 10)]
    [InlineData(0.5, 20)]
    public void HeldOutDocuments_AreAShare_AndNotTrainedOn(double fraction, int? validating)
    {
        var messages = new List<string>();
        var mlContext = new MLContext(1);
        mlContext.Log += (_, e) => messages.Add(e.RawMessage);
        var counts = new List<long>();
        // Each document is one piece.
        using var model = Encoders.Fit(mlContext, mlContext.Data.LoadFromEnumerable(Toys.Documents(40)), o =>
        {
            (o.ValidationFraction, o.ViewLength) = (fraction, 64);
            o.Progress = new AtOnce(now =>
            {
                if (now.Validation is { } metrics)
                    counts.Add(metrics.Count);
            });
        });
        Assert.Equal(validating is { } count ? [count] : [], counts);
        Assert.Contains(messages, message => message.Contains($"steps on {40 - (validating ?? 0)} documents", StringComparison.Ordinal));
    }

    [Fact]
    public void CatalogAndOptions_HaveTheSameDefaults()
    {
        var parameters = typeof(MahaCatalog)
            .GetMethods().First(method => method.Name == nameof(MahaCatalog.MahaEncode) && method.GetParameters().Length > 2).GetParameters();
        var options = new Options();
        foreach (var parameter in parameters.Where(parameter => parameter.HasDefaultValue))
        {
            var property = typeof(Options).GetProperty(char.ToUpperInvariant(parameter.Name![0]) + parameter.Name[1..]);
            Assert.Equal(property!.GetValue(options), parameter.DefaultValue);
        }
    }

    [Fact]
    public void EveryOption_ReachesModelTrainingAndFile()
    {
        for (int seed = 0; seed < 200; seed++)
        {
            var options = Random(new Random(seed));
            EncoderFitting.Check(options);
            object[] targets = [EncoderFitting.ModelOptionsOf(options, options.VocabSize), EncoderFitting.PartsOf(options),
                EncoderFitting.PretrainingOptionsOf(options), options.ToTrainingOptions(options.Seed!.Value, CPU)];
            foreach (object target in targets)
            {
                foreach (var (name, reached) in OptionValues.Values(target))
                {
                    if (name != nameof(Options.ValidationFraction) && typeof(Options).GetProperty(name)?.GetValue(options) is { } value)
                        Assert.Equal(value, reached);
                }
            }

            var manifest = new EncoderManifest
            {
                FormatVersion = EncoderManifest.CurrentFormat,
                Model = (MahaTransformerOptions)targets[0],
                OverlongDocuments = options.OverlongDocuments,
                Columns = EncoderFitting.ColumnsOf(options),
                Parts = (DocumentVectorParts)targets[1],
                NormalizeLength = options.NormalizeLength,
                Segments = options.Segments,
            };
            using var stream = new MemoryStream();
            manifest.Write(stream);
            stream.Position = 0;
            var read = EncoderManifest.Read(stream);
            Assert.Equal(manifest.Model.WithExplicitDefaults().ToString(), read.Model.ToString());
            Assert.Equal((manifest.Columns, manifest.Parts, manifest.NormalizeLength, manifest.Segments, manifest.OverlongDocuments),
                (read.Columns, read.Parts, read.NormalizeLength, read.Segments, read.OverlongDocuments));
        }
    }

    [Fact]
    public void EveryOption_IsCoveredByTheTestAbove()
    {
        string[] elsewhere =
        [
            nameof(Options.OutputColumnName), nameof(Options.InputColumnName), nameof(Options.SegmentColumnName), nameof(Options.Segments),
            nameof(Options.SegmentOffsetsColumnName), nameof(Options.NormalizeLength), nameof(Options.OverlongDocuments),
            // Used by the training itself; other tests show their effect.
            nameof(Options.SpectralStart), nameof(Options.ChunksPerDocument), nameof(Options.MaxTrainingTime), nameof(Options.CheckpointPath),
            nameof(Options.CheckpointInterval), nameof(Options.Distributed), nameof(Options.Precision), nameof(Options.PretrainedModel),
            nameof(Options.Freeze), nameof(Options.Progress), nameof(Options.CancellationToken),
        ];
        OptionValues.AssertNoneForgotten(typeof(Options),
            [typeof(MahaTransformerOptions), typeof(DocumentVectorParts), typeof(PretrainingOptions), typeof(TrainingOptions)], elsewhere);
    }

    [Fact]
    public void OptionsOfTheFitting_ChangeTheModel()
    {
        var mlContext = new MLContext(1);
        var data = mlContext.Data.LoadFromEnumerable(
            Toys.Documents(24).Select(document => new Document { Text = string.Join(' ', Enumerable.Repeat(document.Text, 6)) }));
        float[] Vector(Action<Options>? change = null)
        {
            using var model = Encoders.Fit(mlContext, data, change);
            return Encoders.Vectors(mlContext, model, "the cat near the rain")[0];
        }
        float[] usual = Vector();
        Action<Options>[] changes = [o => o.SpectralStart = false, o => o.ChunksPerDocument = 1, o => o.ContrastiveWeight = 0, o => o.MaskedTokenWeight = 0,
            o => o.TieEmbedding = false, o => o.Temperature = 1, o => o.MaskFraction = 0.5, o => o.ValidationFraction = 0.3, o => o.BeginningTokens = 2,
            o => o.ContextualWeight = 1];
        foreach (var change in changes)
            Assert.NotEqual(usual, Vector(change));
        Assert.Equal(16, Vector(o => o.SpectralDim = 0).Length);
        Assert.Equal(22, Vector(o => o.BeginningTokens = 0).Length);
        Assert.Equal(usual.Length + 16, Vector(o => o.Pooling = PoolingKind.MeanMax).Length);
    }

    private static Options Random(Random random) => new()
    {
        OutputColumnName = "Out" + random.Next(9),
        InputColumnName = "\u00e4\"" + random.Next(9),
        SegmentColumnName = random.Next(2) == 0 ? null : "Parts",
        Segments = random.Next(2) == 0 ? SegmentKind.Sentence : SegmentKind.Paragraph,
        NormalizeLength = random.Next(2) == 0,
        VocabSize = random.Next(300, 9000),
        MaxSequenceLength = random.Next(2, 5000),
        DModel = 4 * random.Next(1, 40),
        NumLayers = random.Next(1, 5),
        FeedForwardDim = random.Next(2) == 0 ? null : random.Next(1, 99),
        NumScales = random.Next(2) == 0 ? null : random.Next(1, 12),
        Window = random.Next(1, 300),
        LocalResidual = random.Next(2) == 0,
        Branching = random.Next(2, 99),
        Pooling = random.GetItems(Enum.GetValues<PoolingKind>(), 1)[0],
        Positions = random.GetItems(Enum.GetValues<PositionKind>(), 1)[0],
        Dropout = random.NextDouble(),
        OverlongDocuments = random.GetItems(Enum.GetValues<OverlongDocuments>(), 1)[0],
        SpectralDim = random.Next(300),
        NumPairBuckets = random.Next(1 << 15),
        BeginningTokens = random.Next(99),
        ContextualWeight = random.NextDouble(),
        MaskedTokenWeight = random.NextDouble(),
        ContrastiveWeight = random.NextDouble(),
        MaskFraction = 0.01 + 0.9 * random.NextDouble(),
        TieEmbedding = random.Next(2) == 0,
        ViewLength = random.Next(2, 999),
        Temperature = 0.01 + random.NextDouble(),
        NumberOfEpochs = random.Next(1, 99),
        LearningRate = 1e-4 + random.NextDouble(),
        TokensPerBatch = random.Next(1, 99999),
        GradientAccumulation = random.Next(1, 9),
        WeightDecay = random.NextDouble(),
        MaxGradientNorm = 0.1 + random.NextDouble(),
        Seed = random.Next(),
    };
}
