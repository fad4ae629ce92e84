using Maha.TestData;

namespace Maha.Layers.Tests;

/// <summary>Operators of libtorch that the library must not call.</summary>
public sealed class UsedOperatorsTests
{
    // Libtorch 2.10's float32 convolutions are wrong on some processors (see DenseConvolution); on others they print warnings of NNPACK.
    [Fact]
    public void NoLayer_CallsLibtorchsConvolutions() => Assert.Empty(ConvolutionCalls.In("Maha.Layers.dll"));

    [Fact]
    public void TheScan_FindsConvolutions()
    {
        var names = ConvolutionCalls.In("Maha.Layers.Tests.dll");
        Assert.Contains("functional.conv1d", names); // DenseConvolutionTests
        Assert.Contains("nn.Conv1d", names); // ConvolutionWeightsTests
    }
}
