using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Blocks;

// B batch, N length, D width

/// <summary>The checks of one kind of block on the CUDA device.</summary>
internal static class DeviceBlockChecks
{
    /// <summary>The limit in float32, relative to the largest magnitude of a tensor: the devices sum some hundred terms in different orders.</summary>
    public const double Float32Limit = 1e-5;

    // The published mixer convolves, which cuDNN does with fewer bits by default.
    private const double ReferenceLimit = 1e-4;

    // A gradient of which all terms cancel, as that of the keys' bias, has only rounding left, relative to the other gradients.
    private const double SmallestShare = 1e-2;

    private const int Batch = 3, Length = 700, Seen = 333;
    private static readonly long[] s_valid = [Length, 451, 0];

    /// <summary>Runs all checks that apply to the block.</summary>
    public static void Run(DeviceReport report, string name, MahaBlockOptions options)
    {
        using var scope = NewDisposeScope();
        var device = report.Device;
        bool isReference = options.Attention is MahaReferenceOptions;
        manual_seed(1);
        using var host = new MahaBlock(options);
        host.eval();
        var input = randn(Batch, Length, options.DModel);
        var upstream = randn(Batch, Length, options.DModel);
        var padding = isReference ? null : arange(Length).unsqueeze(0).ge(tensor(s_valid).unsqueeze(1));

        var expected = Pass(host, input, upstream, padding);
        using var single = On(host, options, device, ScalarType.Float32);
        var (output, gradients) = Errors(expected, Pass(single, input.to(device), upstream.to(device), padding?.to(device)), DeviceReport.Largest);
        double limit = isReference ? ReferenceLimit : Float32Limit;
        report.Check($"{name} float32", ("output", output, limit), ("gradients", gradients, limit));

        if (!isReference)
        {
            Reduced(report, name, options, host, input, upstream, padding!);
            Padding(report, name, single, input.to(device), upstream.to(device), padding!.to(device));
        }
        if (options.IsCausal || options.Attention is HsaCausalOptions)
            Causality(report, name, single, input.to(device));
    }

    // In bfloat16, weights and inputs are the same numbers on both sides. What torch's operators lose in that type is the measure of what kernels may lose.
    private static void Reduced(DeviceReport report, string name, MahaBlockOptions options, MahaBlock weights, Tensor input, Tensor upstream, Tensor padding)
    {
        var device = report.Device;
        var (x, dy) = (input.to(ScalarType.BFloat16), upstream.to(ScalarType.BFloat16));
        using var half = On(weights, options, device, ScalarType.BFloat16);
        using var wide = On(half, options, CPU, ScalarType.Float32);
        var expected = Pass(wide, x.to(ScalarType.Float32), dy.to(ScalarType.Float32), padding);
        var (output, gradients) = Errors(expected, Pass(half, x.to(device), dy.to(device), padding.to(device)), DeviceReport.Norm);
        CudaKernels.IsEnabled = false;
        var (plainOutput, plainGradients) = Errors(expected, Pass(half, x.to(device), dy.to(device), padding.to(device)), DeviceReport.Norm);
        CudaKernels.IsEnabled = true;
        report.Check($"{name} bfloat16", ("output", output, ReducedLimit(plainOutput)), ("gradients", gradients, ReducedLimit(plainGradients)));
    }

    /// <summary>How far kernels may be from float32 where torch's operators in bfloat16 are this far.</summary>
    public static double ReducedLimit(double plain) => (1.5 * plain) + 1e-3;

    // Other tokens in the padding change no bit of the valid tokens' outputs and gradients, and a document alone has the same outputs.
    private static void Padding(DeviceReport report, string name, MahaBlock block, Tensor input, Tensor upstream, Tensor padding)
    {
        var mask = padding.unsqueeze(-1);
        var other = where(mask, randn_like(input) * 30, input);
        var clear = upstream.masked_fill(mask, 0);
        var (first, second) = (Pass(block, input, clear, padding), Pass(block, other, clear, padding));
        var hostMask = mask.cpu();
        bool same = Same(first.Output.masked_fill(hostMask, 0), second.Output.masked_fill(hostMask, 0));
        double gradient = DeviceReport.Error(
            DeviceReport.Largest, first.Gradients[0].masked_fill(hostMask, 0), second.Gradients[0].masked_fill(hostMask, 0));
        long valid = s_valid[1];
        var alone = Pass(block, input.narrow(0, 1, 1).narrow(1, 0, valid), clear.narrow(0, 1, 1).narrow(1, 0, valid), null);
        double error = DeviceReport.Error(DeviceReport.Largest, first.Output.narrow(0, 1, 1).narrow(1, 0, valid), alone.Output);
        report.Check($"{name} padding", same && gradient <= Float32Limit && error <= Float32Limit,
            FormattableString.Invariant($"bits {(same ? "equal" : "differ")} gradient={gradient:E1} alone={error:E1} (<= {Float32Limit:E1})"));
    }

    // Later tokens change no bit of an earlier output, and have no part in its gradient.
    private static void Causality(DeviceReport report, string name, MahaBlock block, Tensor input)
    {
        var later = arange(Length, device: input.device).ge(Seen).unsqueeze(0).unsqueeze(-1);
        var other = where(later, randn_like(input) * 3, input);
        var upstream = randn_like(input).masked_fill(later, 0);
        var (first, second) = (Pass(block, input, upstream, null), Pass(block, other, upstream, null));
        bool same = Same(first.Output.narrow(1, 0, Seen), second.Output.narrow(1, 0, Seen));
        double future = first.Gradients[0].narrow(1, Seen, Length - Seen).abs().max().item<float>();
        report.Check($"{name} causality", same && future == 0, FormattableString.Invariant($"bits {(same ? "equal" : "differ")} future gradient={future}"));
    }

    private static bool Same(Tensor first, Tensor second) => first.equal(second).all().item<bool>();

    private static MahaBlock On(MahaBlock weights, MahaBlockOptions options, torch.Device device, ScalarType type)
    {
        var block = new MahaBlock(options);
        block.load_state_dict(weights.state_dict().ToDictionary(pair => pair.Key, pair => pair.Value.cpu().to(ScalarType.Float32)));
        block.to(type);
        block.to(device);
        block.eval();
        return block;
    }

    private static (Tensor Output, List<Tensor> Gradients) Pass(MahaBlock block, Tensor input, Tensor upstream, Tensor? padding)
    {
        block.zero_grad();
        var hidden = input.detach().clone().requires_grad_();
        var context = padding is null ? MixingContext.Unpadded : new MixingContext { KeyPaddingMask = padding };
        var result = block.call(hidden, context);

        // What a padded token's row holds is not part of the result.
        var weighted = padding is null ? upstream : upstream.masked_fill(padding.unsqueeze(-1), 0);
        result.Output.backward([weighted]);
        var gradients = block.named_parameters().Where(parameter => parameter.parameter.grad is not null)
            .Select(parameter => parameter.parameter.grad!.cpu()).ToList();
        var output = padding is null ? result.Output : result.Output.masked_fill(padding.unsqueeze(-1), 0);
        return (output.detach().cpu(), [hidden.grad!.cpu(), .. gradients]);
    }

    private static (double Output, double Gradients) Errors(
        (Tensor Output, List<Tensor> Gradients) expected, (Tensor Output, List<Tensor> Gradients) actual, Func<Tensor, double> size)
    {
        double floor = SmallestShare * expected.Gradients.Max(gradient => size(gradient.to(ScalarType.Float64)));
        double gradients = expected.Gradients.Count != actual.Gradients.Count
            ? double.PositiveInfinity
            : expected.Gradients.Zip(actual.Gradients, (first, second) => DeviceReport.Error(size, first, second, floor)).Max();
        return (DeviceReport.Error(size, expected.Output, actual.Output), gradients);
    }
}
