using Maha.TestData;

namespace Maha.MLNet.Tests;

/// <summary>
/// Members of TorchSharp that the compiled assembly must not call. Maha.Layers.Tests has the same tests of its assembly, and shows that such calls are found.
/// </summary>
public sealed class UsedOperatorsTests
{
    [Fact]
    public void NoCall_MakesAScalarThatNothingKeeps() => Assert.Empty(UnsafeScalarCalls.In("Maha.MLNet.dll"));

    [Fact]
    public void NothingCallsLibtorchsConvolutions() => Assert.Empty(ConvolutionCalls.In("Maha.MLNet.dll"));
}
