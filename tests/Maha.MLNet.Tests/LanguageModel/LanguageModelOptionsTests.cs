using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using Maha.Layers.Trees;
using Maha.MLNet.LanguageModel;
using Microsoft.ML;
using static TorchSharp.torch;
using Options = Maha.MLNet.LanguageModel.MahaLanguageModelEstimator.Options;

namespace Maha.MLNet.Tests.LanguageModel;

public class LanguageModelOptionsTests
{
    private static readonly AttentionKind[] s_kinds = [AttentionKind.Maha, AttentionKind.Full, AttentionKind.Window,
        AttentionKind.Hsa, AttentionKind.HsaCausal];

    public static TheoryData<string, Action<Options>, string> Invalid => new()
    {
        { "output", o => o.OutputColumnName = "", "OutputColumnName must name a column, but is empty. Leave it out for the default." },
        { "input", o => o.InputColumnName = "", "InputColumnName must name a column" },
        { "perplexity", o => o.PerplexityColumnName = null!, "PerplexityColumnName must name a column, but is null." },
        { "same", o => o.PerplexityColumnName = "LogLikelihood", "OutputColumnName and PerplexityColumnName are 'LogLikelihood'. Rename one." },
        { "overlong", o => o.OverlongDocuments = OverlongDocuments.KeepEnd, "OverlongDocuments must be left at its default for a language model" },
        { "length", o => o.MaxSequenceLength = 1, "MaxSequenceLength must be at least 2 for a language model" },
        { "length 0", o => o.MaxSequenceLength = 0, "MaxSequenceLength must lie in [1, 16777216], but is 0" },
        { "reference", o => o.Attention = AttentionKind.MahaReference, "MahaReference" },
        { "reference aggregation", o => (o.Attention, o.Aggregation) = (AttentionKind.Maha, AggregationKind.ReferenceNash),
            "IsCausal must be false with ReferenceNash" },
        { "document trees", o => (o.Attention, o.Hierarchy) = (AttentionKind.HsaCausal, HierarchyKind.Document),
            "Hierarchy must be Blocks in a language model" },
        { "growth", o => o.ContextGrowthFraction = 1.5, "ContextGrowthFraction must lie in [0, 1], but is 1.5" },
        { "growth NaN", o => o.ContextGrowthFraction = double.NaN, "ContextGrowthFraction must lie in [0, 1]" },
        { "overlap", o => (o.Attention, o.Overlap) = (AttentionKind.Maha, true), "Overlap is for Attention HsaCausal" },
        { "branching", o => o.Branching = 1, "Branching must lie in [2, 1024], but is 1" },
        { "vocabulary", o => o.VocabSize = 261, "VocabSize must be from 262" },
        { "heads", o => (o.DModel, o.NumHeads) = (770, 12), "770 % 12 = 2" },
        { "layers", o => o.NumLayers = 0, "NumLayers must lie in [1, 1000], but is 0" },
        { "dropout NaN", o => o.Dropout = double.NaN, "Dropout" },
        { "rate NaN", o => o.LearningRate = double.NaN, "LearningRate must" },
        { "smoothing", o => o.LabelSmoothing = 1, "LabelSmoothing must" },
        { "smoothing NaN", o => o.LabelSmoothing = double.NaN, "LabelSmoothing must" },
        { "epochs", o => o.NumberOfEpochs = 0, "NumberOfEpochs must lie in" },
        { "time", o => o.MaxTrainingTime = TimeSpan.Zero, "MaxTrainingTime must be above 0" },
        { "accumulation", o => o.GradientAccumulation = 0, "GradientAccumulation must lie in [1, 1048576], but is 0" },
        { "validation", o => o.ValidationFraction = 1, "ValidationFraction must" },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void InvalidOption_Throws_BeforeAnyDataIsRead(string what, Action<Options> change, string message)
    {
        var options = new Options();
        change(options);
        var e = Assert.ThrowsAny<ArgumentException>(() => new MLContext().Transforms.MahaLanguageModel(options));
        Assert.True(e.Message.Contains(message, StringComparison.Ordinal), $"{what}: {e.Message}");
    }

    [Fact]
    public void MissingArguments_Throw()
    {
        var transforms = new MLContext().Transforms;
        Assert.Throws<ArgumentNullException>(() => transforms.MahaLanguageModel((Options)null!));
        Assert.Throws<ArgumentNullException>(() => MahaCatalog.MahaLanguageModel(null!, new Options()));
    }

    [Fact]
    public void EveryOption_ReachesModelTrainingAndFile()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var options = Random(new Random(seed));
            LanguageModelFitting.Check(options);
            var model = LanguageModelFitting.ModelOptionsOf(options, options.VocabSize);
            Assert.True(model.IsCausal);
            OptionValues.AssertReached(options, model, seed);
            OptionValues.AssertReached(options, LanguageModelFitting.TrainingOptionsOf(options, options.Seed!.Value, CPU), seed);
            var manifest = new LanguageModelManifest
            {
                FormatVersion = LanguageModelManifest.CurrentFormat,
                Model = model,
                OverlongDocuments = options.OverlongDocuments,
                Columns = new LanguageModelColumns(options.ReadColumnName, options.OutputColumnName, options.PerplexityColumnName),
                TieOutput = options.TieOutput,
            };
            using var stream = new MemoryStream();
            manifest.Write(stream);
            stream.Position = 0;
            var read = LanguageModelManifest.Read(stream);
            Assert.Equal(model.WithExplicitDefaults().ToString(), read.Model.ToString()); // records with a default value set and not set are not equal
            Assert.Equal(manifest.Columns, read.Columns);
            Assert.Equal(manifest.TieOutput, read.TieOutput);
        }
    }

    [Fact]
    public void EveryOption_IsCoveredByTheTestAbove()
    {
        string[] elsewhere =
        [
            nameof(Options.OutputColumnName), nameof(Options.InputColumnName), nameof(Options.PerplexityColumnName), nameof(Options.TieOutput),
            nameof(Options.OverlongDocuments),
            nameof(Options.ContextGrowthFraction), nameof(Options.MaxTrainingTime), nameof(Options.CheckpointPath),
            nameof(Options.CheckpointInterval), nameof(Options.Distributed), nameof(Options.Precision), nameof(Options.Progress), nameof(Options.CancellationToken),
        ];
        OptionValues.AssertNoneForgotten(typeof(Options), [typeof(MahaTransformerOptions), typeof(TrainingOptions)], elsewhere);
    }

    [Theory]
    [InlineData(AttentionKind.Hsa, true)]
    [InlineData(AttentionKind.HsaCausal, true)]
    [InlineData(AttentionKind.Maha, false)]
    [InlineData(AttentionKind.Full, false)]
    [InlineData(AttentionKind.Window, false)]
    public void Overlap_IsOnByDefault_WhereThereIsATree(AttentionKind attention, bool overlaps)
    {
        var options = new Options { Attention = attention };
        LanguageModelFitting.Check(options);
        Assert.Equal(overlaps, Overlap());
        options.Overlap = false;
        Assert.False(Overlap());

        bool Overlap() => LanguageModelFitting.ModelOptionsOf(options, options.VocabSize).Attention is HsaOptions { Overlap: true };
    }

    [Fact]
    public void MinNumWeights_AreBelowThoseOfTheNetwork_WithinAFactor()
    {
        foreach (var attention in s_kinds)
        {
            foreach (bool tied in new[] { true, false })
            {
                var options = LanguageToys.Small();
                (options.Attention, options.NumLayers, options.DModel) = (attention, 3, 32);
                var manifest = new LanguageModelManifest
                {
                    FormatVersion = 1,
                    Model = LanguageModelFitting.ModelOptionsOf(options, 300),
                    OverlongDocuments = OverlongDocuments.KeepStart,
                    Columns = new LanguageModelColumns("a", "b", "c"),
                    TieOutput = tied,
                };
                using var network = new MahaLanguageModel(manifest.Model, tied);
                long actual = network.parameters().Sum(parameter => parameter.NumberOfElements);
                Assert.InRange(manifest.MinNumWeights(), actual / 3, actual);
            }
        }
    }

    private static Options Random(Random random)
    {
        int heads = 1 + random.Next(8);
        var attention = s_kinds[random.Next(s_kinds.Length)];
        return new Options
        {
            OutputColumnName = "O" + random.Next(9),
            InputColumnName = random.Next(3) == 0 ? null : "I" + random.Next(9),
            PerplexityColumnName = "P" + random.Next(9),
            VocabSize = 262 + random.Next(10000),
            MaxSequenceLength = 2 + random.Next(100000),
            Attention = attention,
            Aggregation = Pick(Enum.GetValues<AggregationKind>().Except([AggregationKind.ReferenceNash]).ToArray()),
            DModel = heads * (2 + (2 * random.Next(40))),
            NumHeads = heads,
            NumLayers = 1 + random.Next(20),
            FeedForwardDim = random.Next(3) == 0 ? null : 1 + random.Next(1000),
            NumScales = random.Next(3) == 0 ? null : 1 + random.Next(12),
            CompressionRatio = 2 + random.Next(63),
            Window = 1 + random.Next(1000),
            LocalResidual = random.Next(2) == 0,
            Branching = 2 + random.Next(100),
            Overlap = random.Next(3) switch { 0 => null, 1 => false, _ => attention is AttentionKind.Hsa or AttentionKind.HsaCausal },
            ContextGrowthFraction = random.NextDouble(),
            Positions = Pick(Enum.GetValues<PositionKind>()),
            EmbeddingNorm = random.Next(2) == 0,
            TieOutput = random.Next(2) == 0,
            Dropout = random.NextDouble(),
            NumberOfEpochs = 1 + random.Next(99),
            LearningRate = 1e-6 + random.NextDouble(),
            WarmupFraction = random.NextDouble(),
            WeightDecay = random.NextDouble(),
            MaxGradientNorm = 0.01 + random.NextDouble(),
            TokensPerBatch = 1 + random.Next(100000),
            GradientAccumulation = 1 + random.Next(9),
            LabelSmoothing = random.NextDouble(),
            ValidationFraction = random.NextDouble(),
            EarlyStoppingPatience = random.Next(3) == 0 ? null : 1 + random.Next(9),
            CancellationBehavior = Pick(Enum.GetValues<CancellationBehavior>()),
            Seed = random.Next(),
        };

        T Pick<T>(T[] values) => values[random.Next(values.Length)];
    }
}
