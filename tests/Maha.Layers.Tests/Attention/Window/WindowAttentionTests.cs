using Maha.Layers.Attention;
using Maha.Layers.Tests.Reference;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

public class WindowAttentionTests
{
    // float32 sums of up to 400 products of order 1, forward and twice more in the gradient.
    private const double SingleTolerance = 2e-5;
    private const double DoubleTolerance = 1e-12;

    public static TheoryData<int, int, int, int, bool> Shapes => new()
    {
        { 1, 1, 5, 4, false }, { 7, 2, 3, 16, false }, { 13, 3, 4, 5, false }, { 40, 2, 40, 8, false }, { 50, 1, 16, 64, false }, { 300, 2, 128, 32, false },
        { 200, 1, 33, 48, false }, { 150, 2, 1000, 20, false }, { 1, 1, 5, 4, true }, { 13, 3, 4, 5, true }, { 150, 2, 32, 24, true },
        { 290, 1, 128, 64, true }, { 150, 1, 1000, 16, true },
    };

    public static TheoryData<int, int, int, int> BandedShapes
        => new() { { 1, 2, 3, 1 }, { 17, 4, 5, 0 }, { 40, 8, 16, 3 }, { 300, 64, 32, 1 }, { 290, 128, 20, 9 }, { 20, 100, 8, 30 } };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Kernels_EqualDoubleLoops_ValuesAndGradients(int length, int heads, int window, int headDim, bool causal)
    {
        foreach (var (type, tolerance) in new[] { (ScalarType.Float64, DoubleTolerance), (ScalarType.Float32, SingleTolerance) })
        {
            Compare((packed, values, plan, valid) => WindowAttentionFunction.Apply(packed, values, plan, valid), type, tolerance, length,
                heads, window, headDim, causal);
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Fallback_EqualsDoubleLoops_ValuesAndGradients(int length, int heads, int window, int headDim, bool causal) =>
        Compare(WindowAttention.Fallback, ScalarType.Float64, DoubleTolerance, length, heads, window, headDim, causal);

    [Theory]
    [MemberData(nameof(BandedShapes))]
    public void BandAndGlobalKeys_EqualDoubleLoops_ValuesAndGradients(int length, int window, int headDim, int global)
    {
        Compare(WindowAttentionFunction.Apply, ScalarType.Float64, DoubleTolerance, length, 2, window, headDim, causal: false, band: true, global);
        Compare(WindowAttentionFunction.Apply, ScalarType.Float32, SingleTolerance, length, 2, window, headDim, causal: false, band: true, global);
        Compare(WindowAttention.Fallback, ScalarType.Float64, DoubleTolerance, length, 2, window, headDim, causal: false, band: true, global);
    }

    [Fact]
    public void TwoThreads_GiveTheSameBitsAsOne()
    {
        using var scope = NewDisposeScope();
        var plan = new WindowPlan(2, 500, 3, 16, 64, Causal: false);
        int[] valid = [500, 321];
        int before = get_num_threads();
        try
        {
            var results = new[] { 1, 2 }.Select(threads =>
            {
                set_num_threads(threads);
                var packed = SeededTensors.Random(1, ScalarType.Float32, 2, 500, 96).requires_grad_();
                var values = SeededTensors.Random(2, ScalarType.Float32, 2, 500, 48).requires_grad_();
                var output = WindowAttentionFunction.Apply(packed, values, plan, valid);
                output.backward([SeededTensors.Random(3, ScalarType.Float32, 2, 500, 48)]);
                return (output, packed.grad!, values.grad!);
            }).ToArray();
            SeededTensors.Near(results[0].output, results[1].output, 0, "output");
            SeededTensors.Near(results[0].Item2, results[1].Item2, 0, "query and key gradients");
            SeededTensors.Near(results[0].Item3, results[1].Item3, 0, "value gradient");
        }
        finally
        {
            set_num_threads(before);
        }
    }

    [Fact]
    public void LargeScores_StayFinite()
    {
        using var scope = NewDisposeScope();
        var plan = new WindowPlan(1, 70, 1, 16, 32, Causal: false);
        var packed = (SeededTensors.Random(1, ScalarType.Float32, 1, 70, 32) * 1e4).requires_grad_();
        var values = SeededTensors.Random(2, ScalarType.Float32, 1, 70, 16).requires_grad_();
        var output = WindowAttentionFunction.Apply(packed, values, plan, [70]);
        output.sum().backward();
        Assert.All(SeededTensors.Values(output), value => Assert.InRange(value, -1.001, 1.001));
        Assert.All(SeededTensors.Values(packed.grad!), value => Assert.True(double.IsFinite(value)));
    }

    [Fact]
    public void PaddedRows_MayHoldNaN_AndGiveZero()
    {
        using var scope = NewDisposeScope();
        var plan = new WindowPlan(1, 40, 2, 8, 16, Causal: false);
        var packed = SeededTensors.Random(1, ScalarType.Float32, 1, 40, 32);
        var values = SeededTensors.Random(2, ScalarType.Float32, 1, 40, 16);
        var clean = WindowAttentionFunction.Apply(packed, values, plan, [29]);
        packed.narrow(1, 29, 11).fill_(double.NaN);
        values.narrow(1, 29, 11).fill_(double.NaN);
        foreach (var output in new[] { WindowAttentionFunction.Apply(packed, values, plan, [29]), WindowAttention.Fallback(packed, values, plan, [29]) })
        {
            SeededTensors.Near(clean, output, 1e-6, "valid rows");
            Assert.All(SeededTensors.Values(output.narrow(1, 29, 11)), value => Assert.Equal(0, value));
        }
    }

    private static void Compare(
        Func<Tensor, Tensor, WindowPlan, int[], Tensor> attention, ScalarType type, double tolerance, int length, int heads,
        int window, int headDim, bool causal,
        bool band = false, int global = 0)
    {
        using var scope = NewDisposeScope();
        int[] valid = [length, (length * 2 / 3) + 1, 0];
        int batch = valid.Length, width = heads * headDim;
        var plan = new WindowPlan(batch, length, heads, headDim, window, causal, band, global);
        var packed = SeededTensors.Random(1, type, batch, length, 2 * width).requires_grad_();
        var values = SeededTensors.Random(2, type, batch, length, width).requires_grad_();
        var incoming = SeededTensors.Random(3, type, batch, length, width);
        var output = attention(packed, values, plan, valid);
        output.backward([incoming]);

        var (expected, expectedPacked, expectedValues) = (zeros([batch, length, width], ScalarType.Float64),
            zeros([batch, length, 2 * width], ScalarType.Float64), zeros([batch, length, width], ScalarType.Float64));
        for (int document = 0; document < batch; document++)
        {
            for (int head = 0; head < heads; head++)
            {
                var slow = SlowWindowAttention.Run(
                    Rows(packed, document, head * headDim, headDim), Rows(packed, document, width + (head * headDim), headDim),
                    Rows(values, document, head * headDim, headDim),
                    Rows(incoming, document, head * headDim, headDim), valid[document], band ? window : Math.Min(window, length), causal, band, global);
                Write(expected, slow.Output, document, head * headDim);
                Write(expectedPacked, slow.Dq, document, head * headDim);
                Write(expectedPacked, slow.Dk, document, width + (head * headDim));
                Write(expectedValues, slow.Dv, document, head * headDim);
            }
        }
        SeededTensors.Near(expected, output, tolerance, "output");
        SeededTensors.Near(expectedPacked, packed.grad!, tolerance, "query and key gradients");
        SeededTensors.Near(expectedValues, values.grad!, tolerance, "value gradient");
    }

    private static double[,] Rows(Tensor tensor, int document, int channel, int count)
    {
        using var part = tensor.detach().select(0, document).narrow(1, channel, count);
        double[] flat = SeededTensors.Values(part);
        double[,] rows = new double[part.shape[0], count];
        Buffer.BlockCopy(flat, 0, rows, 0, flat.Length * sizeof(double));
        return rows;
    }

    private static void Write(Tensor target, double[,] rows, int document, int channel) =>
        target.select(0, document).narrow(1, channel, rows.GetLength(1)).copy_(tensor(rows.Cast<double>().ToArray(), [rows.GetLength(0), rows.GetLength(1)]));
}
