using Maha.Layers.Attention;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

public class DepthwiseConvolutionTests
{
    public static TheoryData<int, int, int, int, int, bool> Shapes => new()
    {
        { 1, 5, 3, 1, 2, true }, { 13, 12, 3, 1, 2, true }, { 13, 12, 3, 2, 1, false }, { 20, 7, 3, 3, 1, false },
        { 31, 133, 3, 2, 1, true }, { 9, 260, 5, 3, 1, false },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void KernelAndPlainOperators_EqualDoubleLoop_ValuesAndGradients(int length, int width, int kernelSize, int stride, int dilation, bool relu)
    {
        using var scope = NewDisposeScope();
        int[] valid = [length, (length / 2) + 1, 0];
        int[] after = [.. valid.Select(n => (n + stride - 1) / stride)];
        var plan = new ConvolutionPlan(valid.Length, length, (length + stride - 1) / stride, width, kernelSize, stride, dilation,
            -dilation * (kernelSize / 2), relu);
        var (input, weight, bias) = (SeededTensors.Random(1, ScalarType.Float64, 3, length, width),
            SeededTensors.Random(2, ScalarType.Float64, width, 1, kernelSize), SeededTensors.Random(3, ScalarType.Float64, width));
        var incoming = SeededTensors.Random(4, ScalarType.Float64, 3, plan.OutputLength, width);
        var expected = Loop(plan, valid, after, SeededTensors.Values(input), SeededTensors.Values(weight), SeededTensors.Values(bias),
            SeededTensors.Values(incoming));
        foreach (var (type, tolerance) in new[] { (ScalarType.Float64, 1e-12), (ScalarType.Float32, 1e-5) })
        {
            foreach (bool plain in new[] { false, true })
            {
                var (x, w, b) = (input.to(type, copy: true).requires_grad_(), weight.to(type, copy: true).requires_grad_(),
                    bias.to(type, copy: true).requires_grad_());
                var output = plain
                    ? DepthwiseConvolution.Fallback(x, w, b, plan, valid, after) : DepthwiseConvolutionFunction.Apply(x, w, b, plan, valid, after);
                output.backward([incoming.to(type)]);
                SeededTensors.Near(tensor(expected.Output, output.shape), output, tolerance, "output");
                SeededTensors.Near(tensor(expected.Dx, x.shape), x.grad!, tolerance, "input gradient");
                SeededTensors.Near(tensor(expected.Dw, w.shape), w.grad!, tolerance * 10, "weight gradient");
                SeededTensors.Near(tensor(expected.Db, b.shape), b.grad!, tolerance * 10, "bias gradient");
            }
        }
    }

    private static (double[] Output, double[] Dx, double[] Dw, double[] Db) Loop(
        ConvolutionPlan plan, int[] valid, int[] after, double[] x, double[] w, double[] b, double[] incoming)
    {
        var (output, dx, dw, db) = (new double[plan.Batch * plan.OutputLength * plan.Width], new double[x.Length], new double[w.Length], new double[b.Length]);
        for (int d = 0; d < plan.Batch; d++)
        {
            for (int j = 0; j < after[d]; j++)
            {
                for (int c = 0; c < plan.Width; c++)
                {
                    int to = (((d * plan.OutputLength) + j) * plan.Width) + c;
                    double sum = b[c];
                    for (int t = 0; t < plan.KernelSize; t++)
                    {
                        int i = (j * plan.Stride) + plan.Offset + (t * plan.Dilation);
                        if (i >= 0 && i < valid[d])
                            sum += w[(c * plan.KernelSize) + t] * x[(((d * plan.InputLength) + i) * plan.Width) + c];
                    }
                    output[to] = plan.Relu ? Math.Max(0, sum) : sum;
                    double gradient = plan.Relu && sum <= 0 ? 0 : incoming[to];
                    db[c] += gradient;
                    for (int t = 0; t < plan.KernelSize; t++)
                    {
                        int i = (j * plan.Stride) + plan.Offset + (t * plan.Dilation);
                        if (i < 0 || i >= valid[d])
                            continue;
                        dx[(((d * plan.InputLength) + i) * plan.Width) + c] += gradient * w[(c * plan.KernelSize) + t];
                        dw[(c * plan.KernelSize) + t] += gradient * x[(((d * plan.InputLength) + i) * plan.Width) + c];
                    }
                }
            }
        }
        return (output, dx, dw, db);
    }
}
