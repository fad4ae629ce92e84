using System.Globalization;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Benchmarks.Core;

/// <summary>
/// <c>selfcheck</c>: the operators of libtorch that the layers use, and convolutions, which they do not, in float32 against float64 on this processor.
/// Prints the names of those that are wrong; fails if the layers use one of them.
/// </summary>
internal static class SelfCheckCommand
{
    // Sums of a few hundred terms in float32 are right to about 1e-6; the known faults are above 0.1.
    private const double Limit = 1e-4;

    private const long Batch = 2, Length = 40, Kernel = 3;

    public static readonly IReadOnlyList<OperatorCheck> Operators =
    [
        Used("linear", w => [[Batch, Length, w], [w + 1, w], [w + 1]], x => functional.linear(x[0], x[1], x[2])),
        Used("matmul", w => [[Batch, Length, w], [w, w + 1]], x => x[0].matmul(x[1])),
        Used("bmm", w => [[Batch, Length, w], [Batch, w, Length]], x => x[0].bmm(x[1])),
        Used("softmax", w => [[Batch, Length, w]], x => x[0].softmax(-1)),
        Used("log_softmax", w => [[Batch, Length, w]], x => functional.log_softmax(x[0], -1)),
        Used("logsumexp", w => [[Batch, Length, w]], x => x[0].logsumexp(-1, keepdim: true)),
        Used("cross_entropy", w => [[Length, w]], x => functional.cross_entropy(x[0], arange(Length).remainder(x[0].shape[1]))),
        Used("binary_cross_entropy_with_logits", w => [[Length, w]], x => functional.binary_cross_entropy_with_logits(x[0], x[0].ge(0).to(x[0].dtype))),
        Used("layer_norm", w => [[Batch, Length, w], [w], [w]], x => functional.layer_norm(x[0], [x[1].shape[0]], x[1], x[2], 1e-5)),
        Used("gelu", w => [[Batch, Length, w]], x => functional.gelu(x[0])),
        Used("relu", w => [[Batch, Length, w]], x => functional.relu(x[0])),
        Used("sigmoid", w => [[Batch, Length, w]], x => x[0].sigmoid()),
        Used("index_select", w => [[Length, w]], x => x[0].index_select(0, arange(2 * Length).remainder(Length - 1))),
        Used("amax", w => [[Batch, Length, w]], x => x[0].amax([1])),
        Used("adaptive_max_pool1d", w => [[Batch, w, Length]], x => functional.adaptive_max_pool1d(x[0], Length / 3)),
        Used("addcmul", w => [[w], [Batch, Length, w], [w]], x => x[0].addcmul(x[1], x[2], 1)),
        Used("norm", w => [[Batch, Length, w]], x => x[0].norm(2, true, 2f)),
        Used("scaled_dot_product_attention", w => [[Batch, 2, Length, w], [Batch, 2, Length, w], [Batch, 2, Length, w]],
            x => functional.scaled_dot_product_attention(x[0], x[1], x[2])),
        Unused("conv1d", w => [[Batch, w, Length], [w, w, Kernel], [w]], x => functional.conv1d(x[0], x[1], x[2], padding: 1), x => Convolution(x, stride: 1)),
        Unused("conv1d, stride 2", w => [[Batch, w, Length], [w, w, Kernel], [w]],
            x => functional.conv1d(x[0], x[1], x[2], stride: 2, padding: 1), x => Convolution(x, stride: 2)),
        Unused("conv2d", w => [[Batch, w, Length, 6], [w, w, Kernel, Kernel], [w]],
            x => functional.conv2d(x[0], x[1], x[2], padding: [1, 1]), PlaneConvolution),
        Unused("conv_transpose1d", w => [[Batch, w, Length], [w, w, Kernel], [w]], x => functional.conv_transpose1d(x[0], x[1], x[2]), TransposedConvolution),
    ];

    public static int Run(string[] args)
    {
        var options = new OptionReader(args);
        int seed = options.Integer("--seed", 1);
        set_num_threads(options.Integer("--threads", get_num_threads()));
        options.RefuseLeft();
        return Report(Operators, seed, Console.Out);
    }

    /// <summary>Checks operators and writes a line for each, then which are wrong.</summary>
    /// <returns>Failure if an operator that the layers use is wrong.</returns>
    internal static int Report(IReadOnlyList<OperatorCheck> operators, int seed, TextWriter output)
    {
        var wrong = new List<OperatorCheck>();
        for (int i = 0; i < operators.Count; i++)
        {
            var errors = operators[i].Run(seed);
            if (i == 0)
            {
                EnvironmentHeader.Print(output);
                output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"# the largest error of float32 against float64, relative to the largest magnitude; limit {Limit:E0}"));
            }
            bool isRight = errors.Largest <= Limit;
            if (!isRight)
                wrong.Add(operators[i]);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{operators[i].Name,-30} {(operators[i].IsUsed ? "used" : "not used"),-8} output={errors.Output:E1} "
                    + $"gradient={errors.Gradient:E1} {(isRight ? "right" : $"WRONG at {errors.Where}")}"));
        }
        var used = wrong.Where(check => check.IsUsed).Select(check => check.Name).ToList();
        var unused = wrong.Where(check => !check.IsUsed).Select(check => check.Name).ToList();
        if (unused.Count > 0)
            output.WriteLine($"Libtorch computes {string.Join(", ", unused)} wrongly on this machine. Maha does not use them, but other programs on it may.");
        output.WriteLine(used.Count > 0
            ? $"Libtorch computes {string.Join(", ", used)} wrongly on this machine, and Maha uses them: don't trust its results here. Use another machine or "
                + "version of libtorch, and report this output."
            : "Every operator of libtorch that Maha uses is right on this machine.");
        return used.Count > 0 ? ExitCode.Failure : ExitCode.Success;
    }

    private static OperatorCheck Used(string name, Func<long, long[][]> shapes, Func<Tensor[], Tensor> apply) => new(name, true, shapes, apply);

    private static OperatorCheck Unused(string name, Func<long, long[][]> shapes, Func<Tensor[], Tensor> apply, Func<Tensor[], Tensor> exact) =>
        new(name, false, shapes, apply, exact);

    // Convolutions by matrix products. Float64 convolutions of libtorch would do as well, but print warnings of NNPACK on some processors.
    private static Tensor Convolution(Tensor[] x, long stride)
    {
        var columns = functional.pad(x[0], [1, 1]).unfold(2, Kernel, stride); // [B, C, N', k]
        return einsum("bcnk,ock->bon", columns, x[1]) + x[2].unsqueeze(-1);
    }

    private static Tensor PlaneConvolution(Tensor[] x)
    {
        var columns = functional.pad(x[0], [1, 1, 1, 1]).unfold(2, Kernel, 1).unfold(3, Kernel, 1); // [B, C, H, W, k, k]
        return einsum("bchwij,ocij->bohw", columns, x[1]) + x[2].unsqueeze(-1).unsqueeze(-1);
    }

    private static Tensor TransposedConvolution(Tensor[] x)
    {
        var columns = functional.pad(x[0], [Kernel - 1, Kernel - 1]).unfold(2, Kernel, 1); // [B, C, N + k - 1, k]
        return einsum("bcnk,cok->bon", columns, x[1].flip(2)) + x[2].unsqueeze(-1);
    }
}
