using Maha.Layers.Attention;
using Maha.Layers.Core;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

[Collection(AloneCollection.Name)] // the initial weights come from torch's generator, which all tests of the process share
public sealed class ConvolutionWeightsTests
{
    [Theory]
    [InlineData(6, 10, 3, 1)]
    [InlineData(12, 12, 3, 12)]
    [InlineData(8, 4, 5, 2)]
    public void NamesShapesAndFirstValues_AreThoseOfLibtorchsLayer(int inputs, int outputs, int kernelSize, int groups)
    {
        using var expected = Seeded(() => nn.Conv1d(inputs, outputs, kernelSize, groups: groups));
        using var actual = Seeded(() => new ConvolutionWeights(inputs, outputs, kernelSize, groups));
        Assert.Equal(expected.named_parameters().Select(named => named.name), actual.named_parameters().Select(named => named.name));
        foreach (var (name, parameter) in expected.named_parameters())
            Assert.Equal(TestTensors.ToArray(parameter), TestTensors.ToArray(actual.get_parameter(name)!));
    }

    [Fact]
    public void ConversionToAnotherType_ConvertsEveryTensorOfTheLayer()
    {
        using var weights = new ConvolutionWeights(3, 5, 3);
        weights.to(ScalarType.Float64);
        Assert.Equal((ScalarType.Float64, ScalarType.Float64), (weights.Weight.dtype, weights.Bias.dtype));
        Assert.True(ReferenceEquals(weights.Weight, weights.get_parameter("weight")) && ReferenceEquals(weights.Bias, weights.get_parameter("bias")));
    }

    private static T Seeded<T>(Func<T> make)
    {
        using var seeded = new RandomStateScope(3);
        return make();
    }
}
