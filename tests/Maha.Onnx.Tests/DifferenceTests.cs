using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.MLNet.Classification;
using Maha.Onnx.Export;
using Microsoft.ML;
using static TorchSharp.torch;

namespace Maha.Onnx.Tests;

// The comparison of graph and model at an export.
public sealed class DifferenceTests
{
    [Theory]
    [InlineData(new[] { 0.5f, 0.25f }, new[] { 0.5f, 0.375f }, 0.125)]
    [InlineData(new[] { 4f, -8f }, new[] { 4f, -7f }, 0.125)]
    [InlineData(new float[0], new float[0], 0)]
    public void Difference_IsTheLargest_RelativeToLargeNumbers(float[] expected, float[] actual, double difference) =>
        Assert.Equal(difference, OnnxExporter.Difference(expected, actual), 1e-12);

    // At every place, with agreeing numbers before and after.
    [Theory]
    [InlineData(1, float.NaN)]
    [InlineData(float.NaN, 1)]
    [InlineData(float.NaN, float.NaN)]
    [InlineData(1, float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity, 1)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    public void Difference_OfNumbersThatAreNotFinite_IsNaN(float expected, float actual)
    {
        for (int place = 0; place < 3; place++)
        {
            float[] first = [1, 1, 1], second = [1, 1, 1];
            (first[place], second[place]) = (expected, actual);
            Assert.Equal(double.NaN, OnnxExporter.Difference(first, second));
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Model_WithoutFiniteNumbers_IsRefused_AndNothingIsWritten(float weight)
    {
        string folder = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        using var classifier = RandomModels.Classifier(AttentionTests.Options(new FullOptions(), PositionKind.Rotary));
        classifier.UseNetwork(network =>
        {
            using var noGradient = no_grad();
            return network.named_parameters().Single(parameter => parameter.name == "head.bias").parameter.fill_(weight);
        });
        using var model = new MahaTextClassificationTransformer(classifier);
        var refusal = Assert.Throws<InvalidOperationException>(() => new MLContext().Model.ExportToOnnx(model, folder, ["the cat", "a dog"]));
        Assert.Matches("must be finite, but those of the model .*text 0.*\"the cat\".*No file was written", refusal.Message);
        Assert.False(Directory.Exists(folder));
    }
}
