using Maha.Layers.Attention;
using Maha.Layers.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Blocks;

// B batch, N length, D width

/// <summary>The depthwise convolutions of multiscale attention on the CUDA device against the processor.</summary>
internal static class DeviceConvolutionChecks
{
    /// <summary>Runs all checks, with that many random problems.</summary>
    public static void Run(DeviceReport report, int count)
    {
        foreach (bool isCausal in new[] { false, true })
        {
            double output = 0, gradients = 0, reduced = 0;
            int differing = 0;
            for (int seed = 0; seed < count; seed++)
            {
                var errors = Compare(report.Device, isCausal, seed);
                (output, gradients, reduced) = (Math.Max(output, errors.Output), Math.Max(gradients, errors.Gradients), Math.Max(reduced, errors.Reduced));
                differing += errors.Differing;
            }
            report.Check(
                $"scales{(isCausal ? " causal" : "")}, {count} random problems", ("output", output, DeviceBlockChecks.Float32Limit),
                ("gradients", gradients, DeviceBlockChecks.Float32Limit), ("bfloat16 / limit", reduced, 1), ("runs with other bits", differing, 0));
        }
        Dropout(report);
    }

    private static (double Output, double Gradients, double Reduced, int Differing) Compare(Device device, bool isCausal, int seed)
    {
        using var scope = NewDisposeScope();
        var random = new Random(seed);
        manual_seed(seed);
        int width = 8 * (1 + random.Next(seed % 4 == 0 ? 100 : 10)), ratio = 2 + random.Next(4), numScales = 1 + random.Next(6), batch = 1 + random.Next(3);
        int length = 1 + random.Next(seed % 5 == 0 ? 3000 : 300);
        int[] lengths = [.. Enumerable.Range(0, batch).Select(_ => random.Next(5) switch { 0 => 0, 1 => length, _ => random.Next(length + 1) })];
        var hierarchy = isCausal ? ScaleHierarchy.Causal(lengths, length, numScales, ratio) : new ScaleHierarchy(lengths, length, numScales, ratio, 4);
        using var local = new DepthwiseConvolution(width, 3, 1, 2, relu: true, isCausal);
        using var decomposition = new ScaleReduction(width, numScales, ratio, DecompositionKind.StridedConvolution, isCausal);
        using (no_grad())
        {
            foreach (var parameter in local.parameters().Concat(decomposition.parameters()))
                parameter.copy_(parameter.to(ScalarType.BFloat16));
        }
        var upstream = Enumerable.Range(0, 2 * hierarchy.Count).Select(i => Random(batch, hierarchy.Lengths[i % hierarchy.Count], width)).ToArray();
        Tensor[] operands = [Random(batch, length, width), Random(batch, length, width)];

        var expected = Pass(CPU, ScalarType.Float32);
        var (actual, again) = (Pass(device, ScalarType.Float32), Pass(device, ScalarType.Float32));
        var half = Pass(device, ScalarType.BFloat16);
        CudaKernels.IsEnabled = false;
        var plain = Pass(device, ScalarType.BFloat16);
        CudaKernels.IsEnabled = true;
        int outputs = upstream.Length;
        double largest = Most(DeviceReport.Largest), norm = Most(DeviceReport.Norm);
        return (
            Enumerable.Range(0, outputs).Max(i => DeviceReport.Error(DeviceReport.Largest, expected[i], actual[i], 1e-3)),
            Enumerable.Range(outputs, expected.Length - outputs).Max(i => DeviceReport.Error(DeviceReport.Largest, expected[i], actual[i], largest)),
            Enumerable.Range(0, expected.Length).Max(i => Reduced(half, i) / DeviceBlockChecks.ReducedLimit(Reduced(plain, i))),
            actual.Zip(again, (first, second) => first.equal(second).all().item<bool>()).All(same => same) ? 0 : 1);

        double Most(Func<Tensor, double> size) => expected[outputs..].Max(gradient => size(gradient.to(ScalarType.Float64)));

        double Reduced(Tensor[] tensors, int i) => DeviceReport.Error(DeviceReport.Norm, expected[i], tensors[i], i < outputs ? 1e-3 : norm);

        static Tensor Random(params long[] shape) => randn(shape).to(ScalarType.BFloat16).to(ScalarType.Float32);

        // Outputs, then gradients.
        Tensor[] Pass(Device place, ScalarType type)
        {
            foreach (var module in new nn.Module[] { local, decomposition })
            {
                module.zero_grad();
                module.to(type);
                module.to(place);
            }
            Tensor[] inputs = [.. operands.Select(operand => operand.to(type).to(place).detach().requires_grad_())];
            var convolved = local.call(inputs[0], new ConvolutionLengths(lengths, lengths, length));
            var (hidden, values) = decomposition.ForwardBoth(convolved, inputs[1], hierarchy);
            Tensor[] results = [.. hidden, .. values];
            autograd.backward(results, [.. upstream.Select(gradient => gradient.to(type).to(place))]);
            return
            [
                .. results.Select(Host), .. inputs.Select(input => Host(input.grad!)),
                .. local.parameters().Concat(decomposition.parameters())
                    .Where(parameter => parameter.grad is not null).Select(parameter => Host(parameter.grad!)),
            ];
        }

        static Tensor Host(Tensor tensor) => tensor.detach().cpu().to(ScalarType.Float32);
    }

    // The same seed drops the same elements on both devices.
    private static void Dropout(DeviceReport report)
    {
        using var scope = NewDisposeScope();
        const int length = 300, width = 128;
        manual_seed(1);
        using var convolution = new DepthwiseConvolution(width, 3, 1, 2, relu: true);
        using var dropout = new ActivationDropout(0.3);
        dropout.train();
        var input = randn(2, length, width);
        var upstream = randn(2, length, width);
        var lengths = new ConvolutionLengths([length, length - 7], [length, length - 7], length);
        var (expected, expectedGradient) = Pass(CPU);
        long before = CudaKernels.Launches;
        var (actual, gradient) = Pass(report.Device);
        report.Check(
            "convolution with dropout", ("output", DeviceReport.Error(DeviceReport.Largest, expected, actual), DeviceBlockChecks.Float32Limit),
            ("gradient", DeviceReport.Error(DeviceReport.Largest, expectedGradient, gradient), DeviceBlockChecks.Float32Limit),
            ("missing launches", CudaKernels.Launches - before == 3 ? 0 : 1, 0));

        (Tensor Output, Tensor Gradient) Pass(Device place)
        {
            convolution.to(place);
            manual_seed(2);
            var x = input.to(place).detach().requires_grad_();
            var output = convolution.ForwardWithDropout(x, lengths, dropout);
            output.backward([upstream.to(place)]);
            return (output.detach().cpu(), x.grad!.cpu());
        }
    }
}
