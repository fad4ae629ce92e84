using System.Globalization;
using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Core;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Blocks;

/// <summary>
/// <c>device</c>: forward and backward of one block of every kind in float32 on the processor and on the CUDA device, from the same weights.
/// Fails where outputs or gradients are further apart than float32 explains.
/// </summary>
internal static class DeviceCommand
{
    // Relative to the largest magnitude of the tensor. The two devices sum a few hundred terms in different orders.
    private const double Limit = 1e-4;

    // No dropout: the devices draw different elements.
    private static readonly MahaBlockOptions s_shape = new() { DModel = 64, NumHeads = 4, MaxSequenceLength = 1024, Dropout = 0 };

    private static readonly (string Name, MahaBlockOptions Options)[] s_kinds =
    [
        .. new[] { AggregationKind.Softmax, AggregationKind.ReferenceNash, AggregationKind.Mean, AggregationKind.Gated }.Select(kind => Reference(kind)),
        .. new[] { AggregationKind.Convex, AggregationKind.Nash, AggregationKind.Mean, AggregationKind.Gated }.SelectMany(
            kind => Causal($"Maha {kind}", s_shape with { Attention = new MahaOptions { Window = 64, NumScales = 4, Aggregation = AggregationOptions.Create(kind) } })),
        .. Causal("Full", s_shape with { Attention = new FullOptions() }),
        .. Causal("Window", s_shape with { Attention = new WindowOptions { Window = 64 } }),
        ("Hsa", s_shape with { Attention = new HsaOptions() }),
        ("HsaCausal", s_shape with { Attention = new HsaCausalOptions() }),
        ("HsaCausal overlap", s_shape with { Attention = new HsaCausalOptions { Overlap = true } }),
        ("Hsa rotary", s_shape with { Attention = new HsaOptions(), Positions = PositionKind.Rotary }),
        ("HsaCausal rotary", s_shape with { Attention = new HsaCausalOptions(), Positions = PositionKind.Rotary }),
        ("Hsa recomputed", s_shape with { Attention = new HsaOptions(), RecomputeBlocks = true }),
    ];

    public static int Run(string[] args)
    {
        new OptionReader(args).RefuseLeft();
        if (!cuda.is_available())
            throw new UsageException("the comparison needs a CUDA device, but torch finds none. Build with -p:MahaDevice=cuda on a machine that has one.");
        EnvironmentHeader.Print(Console.Out);
        bool equal = true;
        foreach (var (name, options) in s_kinds)
        {
            var (output, gradient) = Compare(options);
            equal &= output <= Limit && gradient <= Limit;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name,-20} output={output:E2} gradients={gradient:E2} limit={Limit:E0}"));
        }
        return equal ? ExitCode.Success : ExitCode.Failure;
    }

    private static (string, MahaBlockOptions) Reference(AggregationKind kind) =>
        ($"MahaReference {kind}", s_shape with { Attention = new MahaReferenceOptions { Aggregation = AggregationOptions.Create(kind) } });

    private static (string, MahaBlockOptions)[] Causal(string name, MahaBlockOptions options) =>
        [(name, options), ($"{name} causal", options with { IsCausal = true })];

    private static (double Output, double Gradient) Compare(MahaBlockOptions options)
    {
        using var scope = NewDisposeScope();
        const int batch = 2, length = 700;
        manual_seed(1);
        using var host = new MahaBlock(options);
        using var device = new MahaBlock(options);
        device.load_state_dict(host.state_dict());
        device.to(CUDA);
        var input = randn(batch, length, options.DModel);
        var upstream = randn(batch, length, options.DModel);
        var padding = options.Attention is MahaReferenceOptions ? null : arange(length).unsqueeze(0).ge(tensor(new long[] { length, 451 }).unsqueeze(1));

        var (expected, gradients) = Pass(host, input, upstream, padding, CPU);
        var (actual, others) = Pass(device, input, upstream, padding, CUDA);
        return (Distance(expected, actual), gradients.Zip(others, Distance).Max());
    }

    private static (Tensor Output, List<Tensor> Gradients) Pass(MahaBlock block, Tensor input, Tensor upstream, Tensor? padding, TorchSharp.torch.Device device)
    {
        var hidden = input.to(device).detach().requires_grad_();
        var context = padding is null ? MixingContext.Unpadded : new MixingContext { KeyPaddingMask = padding.to(device) };
        var result = block.call(hidden, context);
        (result.Output * upstream.to(device)).sum().backward();
        var gradients = block.named_parameters().Where(parameter => parameter.parameter.grad is not null)
            .Select(parameter => parameter.parameter.grad!.cpu()).ToList();
        return (result.Output.detach().cpu(), [hidden.grad!.cpu(), .. gradients]);
    }

    private static double Distance(Tensor expected, Tensor actual)
        => (expected - actual).abs().max().item<float>() / Math.Max(1, expected.abs().max().item<float>());
}
