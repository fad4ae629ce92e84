using Maha.Layers.Attention;
using Maha.Layers.Trees;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Classification;

/// <summary>Classifiers with hierarchical attention.</summary>
public class HierarchyTests
{
    [Theory]
    [InlineData(HierarchyKind.Blocks)]
    [InlineData(HierarchyKind.Document)]
    public void Model_LearnsAndRoundTripsThroughItsFile(HierarchyKind hierarchy)
    {
        var mlContext = new MLContext(1);
        var data = mlContext.Data.LoadFromEnumerable(
            Toys.Verdicts(40).Select(verdict => new Verdict { Label = verdict.Label, Text = $"{verdict.Text}. More follows!\n\nThe end." }));
        using var model = Toys.BinaryTrainer(mlContext,
            options => (options.Attention, options.Hierarchy) = (AttentionKind.Hsa, hierarchy), epochs: 8).Fit(data);
        Assert.True(mlContext.BinaryClassification.Evaluate(model.Transform(data)).Accuracy >= 0.9);
        using var stream = new MemoryStream();
        mlContext.Model.Save(model, data.Schema, stream);
        stream.Position = 0;
        var loaded = new MLContext().Model.Load(stream, out _);
        using var owner = loaded as IDisposable;
        Assert.Equal(Rows.Of(model.Transform(data)), Rows.Of(loaded.Transform(data)));
    }
}
