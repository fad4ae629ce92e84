using Maha.Layers.Attention;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

public class CrossScaleGateTests
{
    private const int DModel = 4;

    [Fact]
    public void Gradients_EqualCentralDifferences()
    {
        using var scope = NewDisposeScope();
        using var gating = TestTensors.Prepared(new CrossScaleGate(DModel), seed: 1);
        var current = TestTensors.Random(2, 2, 7, DModel);
        var next = TestTensors.Random(3, 2, 3, DModel);
        TestTensors.AssertGradients(() => gating.call(current, next).square().sum(),
            [("current", current), ("next", next), .. gating.named_parameters().Select(named => (named.name, (Tensor)named.parameter))]);
    }

    [Fact]
    public void CoarseScaleLongerThanTheFine_Throws()
    {
        using var scope = NewDisposeScope();
        using var gating = new CrossScaleGate(DModel);
        Assert.Contains("be no longer", Assert.Throws<ArgumentException>(() => gating.call(zeros(1, 3, DModel), zeros(1, 4, DModel))).Message);
        Assert.Contains("batch size", Assert.Throws<ArgumentException>(() => gating.call(zeros(1, 3, DModel), zeros(2, 3, DModel))).Message);
        Assert.Contains("4 wide", Assert.Throws<ArgumentException>(() => gating.call(zeros(1, 3, DModel), zeros(1, 3, 5))).Message);
    }
}
