using System.Globalization;
using Maha.Layers.Aggregation;
using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Devices;

/// <summary>
/// <c>device</c>: forward and backward of one block of every kind in float32 on the processor and on the CUDA device, from the same weights.
/// Fails where outputs or gradients are further apart than float32 explains.
/// </summary>
internal static class DeviceCommand
{
    // Relative to the largest magnitude of the tensor. The two devices add up in other orders, over a few hundred terms.
    private const double Limit = 1e-4;

    private static readonly (AttentionKind Attention, AggregationKind Aggregation)[] Kinds =
    [
        (AttentionKind.MahaReference, AggregationKind.Softmax),
        (AttentionKind.MahaReference, AggregationKind.ReferenceNash),
        (AttentionKind.Maha, AggregationKind.Convex),
        (AttentionKind.Maha, AggregationKind.Nash),
        (AttentionKind.Maha, AggregationKind.Mean),
        (AttentionKind.Maha, AggregationKind.Gated),
        (AttentionKind.Full, AggregationKind.Mean),
    ];

    public static int Run(string[] args)
    {
        new OptionReader(args).RefuseLeft();
        if (!cuda.is_available())
            throw new UsageException("the comparison needs a CUDA device, but torch finds none. Use a CUDA build of libtorch (MahaDevice=cuda on the nuget stack).");
        EnvironmentHeader.Print(Console.Out);
        bool equal = true;
        foreach (var (attention, aggregation) in Kinds)
        {
            var (output, gradient) = Compare(attention, aggregation);
            equal &= output <= Limit && gradient <= Limit;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{attention} {aggregation} output={output:E2} gradients={gradient:E2} limit={Limit:E0}"));
        }
        return equal ? ExitCode.Success : ExitCode.Failure;
    }

    private static (double Output, double Gradient) Compare(AttentionKind attention, AggregationKind aggregation)
    {
        using var scope = NewDisposeScope();
        const int batch = 2, length = 700, width = 64;
        var options = new MahaBlockOptions { DModel = width, NumHeads = 4, Attention = attention, Aggregation = aggregation, MaxSequenceLength = 1024, Window = 64, NumScales = 4, Dropout = 0 };
        manual_seed(1);
        using var host = new MahaBlock(options);
        using var device = new MahaBlock(options);
        device.load_state_dict(host.state_dict());
        device.to(CUDA);
        var input = randn(batch, length, width);
        var upstream = randn(batch, length, width);
        Tensor? padding = attention == AttentionKind.MahaReference ? null : arange(length).unsqueeze(0).ge(tensor(new long[] { length, 451 }).unsqueeze(1));

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
        var gradients = block.named_parameters().Where(parameter => parameter.parameter.grad is not null).Select(parameter => parameter.parameter.grad!.cpu()).ToList();
        return (result.Output.detach().cpu(), [hidden.grad!.cpu(), .. gradients]);
    }

    private static double Distance(Tensor expected, Tensor actual)
        => (expected - actual).abs().max().item<float>() / Math.Max(1, expected.abs().max().item<float>());
}
