using Maha.Layers.Attention;
using Maha.MLNet.Classification;
using Maha.MLNet.LanguageModel;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;

namespace Maha.MLNet.Tests;

/// <summary>Properties of the options of every estimator.</summary>
public sealed class EstimatorOptionsTests
{
    private static readonly MLContext s_context = new(1);

    [Fact]
    public void Estimators_CopyTheirOptions()
    {
        var multiclass = new MahaTextClassificationTrainer.Options();
        var binary = new MahaBinaryTextClassificationTrainer.Options();
        var encoder = new MahaTextEncodingEstimator.Options { InputColumnName = "Text" };
        var model = new MahaLanguageModelEstimator.Options { InputColumnName = "Text" };
        var schema = EstimatorContract.Shape(s_context.Data.LoadFromEnumerable(new[] { new Document { Label = "a", Text = "b" } }).Schema);
        var keyed = EstimatorContract.Shape(Toys.Keyed(s_context, [new Document { Label = "a", Text = "b" }]).Schema);
        var flagged = EstimatorContract.Shape(s_context.Data.LoadFromEnumerable(new[] { new Verdict { Text = "b" } }).Schema);
        (SchemaShape Schema, Func<SchemaShape, SchemaShape> Promise)[] estimators =
        [
            (keyed, s_context.MulticlassClassification.Trainers.MahaTextClassification(multiclass).GetOutputSchema),
            (flagged, s_context.BinaryClassification.Trainers.MahaTextClassification(binary).GetOutputSchema),
            (schema, s_context.Transforms.MahaEncode(encoder).GetOutputSchema),
            (schema, s_context.Transforms.MahaLanguageModel(model).GetOutputSchema),
        ];
        string[][] before = [.. estimators.Select(one => Names(one.Promise(one.Schema)))];
        multiclass.ScoreColumnName = binary.ScoreColumnName = encoder.OutputColumnName = model.OutputColumnName = "Changed";
        string[][] after = [.. estimators.Select(one => Names(one.Promise(one.Schema)))];

        Assert.Equal(before, after);
        Assert.DoesNotContain("Changed", after.SelectMany(names => names));
    }

    [Fact]
    public void OptionsThatTheAttentionDoesNotHave_CauseAWarning()
    {
        var context = new MLContext(1);
        var warnings = Warnings.Of(context);
        using var model = Toys.Trainer(context, options => (options.Attention, options.Window, options.Branching) = (AttentionKind.Full, 8, 4))
            .Fit(Toys.Keyed(context, Toys.Documents(20)));
        Assert.Equal(["Branching, Window have no effect under Attention Full. Leave them out, or choose an attention that has them."], warnings);
    }

    [Theory]
    [InlineData(AttentionKind.Hsa, "CompressionRatio, NumScales, Aggregation, LocalResidual, Window")]
    [InlineData(AttentionKind.HsaCausal, "CompressionRatio, NumScales, Aggregation, LocalResidual, Window")]
    [InlineData(AttentionKind.Maha, "Hierarchy, Branching")]
    [InlineData(AttentionKind.Window, "Hierarchy, Branching, CompressionRatio, NumScales, Aggregation, LocalResidual")]
    [InlineData(AttentionKind.Full, "Hierarchy, Branching, CompressionRatio, NumScales, Aggregation, LocalResidual, Window")]
    public void UnusedOptions_AreThoseOfOtherAttentions(AttentionKind attention, string expected)
    {
        var options = new MahaTextClassificationTrainer.Options
        {
            Attention = attention,
            Hierarchy = Maha.Layers.Trees.HierarchyKind.Document,
            Branching = 4,
            CompressionRatio = 3,
            NumScales = 2,
            Aggregation = AggregationKind.Mean,
            LocalResidual = false,
            Window = 8,
        };
        Assert.Equal(expected.Split(", ").Order(), options.UnusedOptions().Order());
        Assert.Empty(new MahaTextClassificationTrainer.Options { Attention = attention }.UnusedOptions());
    }

    [Fact]
    public void MultiscaleAttention_OfNewModels_HasTheLocalResidual()
    {
        var options = new MahaTextClassificationTrainer.Options { Attention = AttentionKind.Maha };
        Assert.True(Assert.IsType<MahaOptions>(options.ToModelOptions(300).Attention).LocalResidual);
        Assert.Empty(new MahaTextClassificationTrainer.Options().ChangedAttentionOptions());
        Assert.Equal([nameof(options.Attention)], options.ChangedAttentionOptions());
        options.LocalResidual = false;
        Assert.False(Assert.IsType<MahaOptions>(options.ToModelOptions(300).Attention).LocalResidual);
        Assert.Equal([nameof(options.Attention), nameof(options.LocalResidual)], options.ChangedAttentionOptions());
    }

    private static string[] Names(SchemaShape schema) => [.. schema.Select(column => column.Name)];

    [Theory]
    [InlineData(128, 2, 1)]
    [InlineData(64, 4, 1)]
    [InlineData(512, 4, 0.25)]
    [InlineData(512, 8, 0.125)]
    [InlineData(128, 8, 0.5)]
    public void DefaultLearningRate_FollowsWidthAndDepth(int dModel, int numLayers, double share)
    {
        var classifier = new MahaTextClassificationTrainer.Options { DModel = dModel, NumLayers = numLayers };
        Assert.Equal(0.002 * share, classifier.LearningRate, 1e-12);
        Assert.Equal(classifier.LearningRate, classifier.ToTrainingOptions(0, null).LearningRate);
        Assert.Equal(0.002 * share, new MahaLanguageModelEstimator.Options { NumLayers = numLayers, DModel = dModel }.LearningRate, 1e-12);
        Assert.Equal(0.001 * share, new MahaTextEncodingEstimator.Options { NumLayers = numLayers, DModel = dModel }.LearningRate, 1e-12);
        Assert.Equal(0.002, new MahaLanguageModelEstimator.Options { LearningRate = 0.002, NumLayers = numLayers, DModel = dModel }.LearningRate);
    }

    [Fact]
    public void LearningRateThatTheCatalogIsNotGiven_IsTheDefault()
    {
        var mlContext = new MLContext(1);
        var trainers = mlContext.MulticlassClassification.Trainers;
        Assert.False(trainers.MahaTextClassification(dModel: 512, numLayers: 8).EstimatorOptions.IsSet("LearningRate"));
        Assert.Equal(0.01, trainers.MahaTextClassification(learningRate: 0.01).EstimatorOptions.LearningRate);
    }
}
