using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Kernels;

public sealed class RotaryPositionsTests
{
    [Theory]
    [InlineData(4, 0)]
    [InlineData(5, 70_000)]
    public void Packed_TurnsQueriesAndKeys_AndLeavesValues(int headDim, long start)
    {
        const int Batch = 2, Length = 7, Heads = 3;
        using var scope = NewDisposeScope();
        int width = Heads * headDim;
        var parts = Enumerable.Range(1, 3).Select(seed => TestTensors.Random(seed, Batch, Length, width).requires_grad_()).ToArray();
        Tensor[] expected = [RotaryPositions.Rotate(parts[0], Heads, 1, start), RotaryPositions.Rotate(parts[1], Heads, 1, start), parts[2]];
        var upstream = TestTensors.Random(4, Batch, Length, 3 * width);
        cat(expected, 2).backward([upstream]);
        var packed = cat(parts, 2).detach().requires_grad_();
        var actual = RotaryPositions.RotatePacked(packed, Heads, start);
        actual.backward([upstream]);
        TestTensors.AssertClose(cat(expected, 2), actual, Tolerances.SameFormula);
        TestTensors.AssertClose(cat([.. parts.Select(part => part.grad!)], 2), packed.grad!, Tolerances.SameFormula);
    }
}
