using Maha.Layers.Attention;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Tests.Attention;

public sealed class DenseConvolutionTests
{
    public static TheoryData<int, int, int, int, int, int, int> Shapes
    {
        get
        {
            var shapes = new TheoryData<int, int, int, int, int, int, int>();
            foreach (int batch in new[] { 1, 2 })
            {
                foreach (var (channels, outputs) in new[] { (1, 1), (3, 5), (5, 3), (8, 8), (16, 16), (24, 24), (32, 24), (32, 32) })
                {
                    foreach (var (kernel, stride, dilation) in new[] { (1, 1, 1), (3, 1, 1), (3, 2, 1), (3, 3, 1), (5, 2, 1), (3, 1, 2) })
                        shapes.Add(batch, 13 + kernel, channels, outputs, kernel, stride, dilation);
                }
            }
            shapes.Add(2, 1, 6, 6, 3, 2, 1); // one token
            shapes.Add(2, 1, 6, 6, 3, 1, 2);
            shapes.Add(1, 300, 24, 24, 3, 2, 1);
            return shapes;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Outputs_AndGradients_AreThoseOfLibtorch_InFloat64(int batch, int length, int channels, int outputs, int kernel, int stride, int dilation)
        => Compare(batch, length, channels, outputs, kernel, stride, dilation, ScalarType.Float64, 1e-13);

    // Libtorch's float32 convolution is wrong on some processors, so the result is compared with float64.
    [Theory]
    [MemberData(nameof(Shapes))]
    public void Outputs_AndGradients_AreNearFloat64_InFloat32(int batch, int length, int channels, int outputs, int kernel, int stride, int dilation)
        => Compare(batch, length, channels, outputs, kernel, stride, dilation, ScalarType.Float32, 1e-5);

    private static void Compare(int batch, int length, int channels, int outputs, int kernel, int stride, int dilation, ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        long padding = dilation * (kernel / 2);
        // A view whose channels are not the innermost dimension in memory, as transposed activations are.
        var source = TestTensors.Random(1, [batch, channels, length]).transpose(1, 2);
        var weight = TestTensors.Random(2, [outputs, channels, kernel]);
        var bias = TestTensors.Random(3, [outputs]);

        var expected = Pass(ScalarType.Float64,
            (x, weights) => functional.conv1d(x.transpose(1, 2), weights.Weight, weights.Bias, stride, padding, dilation).transpose(1, 2));
        var actual = Pass(type, (x, weights) => DenseConvolution.Apply(x, weights, stride, padding, dilation));

        foreach (var (wanted, given) in expected.Zip(actual))
        {
            Assert.Equal(wanted.shape, given.shape);
            Assert.True(TestTensors.Difference(wanted, given) <= tolerance, $"{TestTensors.Difference(wanted, given)} at {string.Join(", ", wanted.shape)}");
        }

        Tensor[] Pass(ScalarType to, Func<Tensor, ConvolutionWeights, Tensor> convolve)
        {
            var x = source.to(to).detach().requires_grad_();
            using var weights = new ConvolutionWeights(channels, outputs, kernel).to(to);
            using (no_grad())
            {
                weights.Weight.copy_(weight);
                weights.Bias.copy_(bias);
            }
            var output = convolve(x, weights);
            output.backward([TestTensors.Random(4, output.shape).to(to)]);
            return [output, x.grad!, weights.Weight.grad!, weights.Bias.grad!];
        }
    }
}
