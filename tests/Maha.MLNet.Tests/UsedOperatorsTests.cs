using Maha.TestData;

namespace Maha.MLNet.Tests;

/// <summary>What the compiled assembly must not call of TorchSharp; Maha.Layers.Tests has the same tests of its assembly, and shows that the scans find such calls.</summary>
public sealed class UsedOperatorsTests
{
    [Fact]
    public void NoCall_MakesAScalarThatNothingKeeps() => Assert.Empty(UnsafeScalarCalls.In("Maha.MLNet.dll"));

    [Fact]
    public void NothingCallsLibtorchsConvolutions() => Assert.Empty(ConvolutionCalls.In("Maha.MLNet.dll"));
}
