using static TorchSharp.torch;

namespace Maha.Benchmarks.Core;

/// <summary>An operator of libtorch, whose float32 results are compared with float64.</summary>
/// <param name="Name">The operator's name in PyTorch.</param>
/// <param name="IsUsed">Whether the layers call it.</param>
/// <param name="Shapes">The shapes of its inputs at a width.</param>
/// <param name="Apply">The operator.</param>
/// <param name="Exact">The same result by other operators, called in float64; null to compare with the operator's own float64.</param>
internal sealed record OperatorCheck(string Name, bool IsUsed, Func<long, long[][]> Shapes, Func<Tensor[], Tensor> Apply, Func<Tensor[], Tensor>? Exact = null)
{
    // Multiples of the processor's vector width, and widths between them: faults may show at some widths only.
    private static readonly long[] s_widths = [3, 5, 8, 16, 24, 32, 40, 64];

    /// <summary>Runs the operator in float32 and in float64 at every width, with contiguous tensors and with transposed ones.</summary>
    /// <param name="seed">The seed of the inputs, which are standard normal.</param>
    /// <returns>The largest error of an output and of an input's gradient relative to the tensor's largest magnitude or 1, NaN where one is not a number, and
    /// where it was.</returns>
    public OperatorErrors Run(int seed)
    {
        var worst = new OperatorErrors(0, 0, "");
        foreach (long width in s_widths)
        {
            foreach (bool transposed in new[] { false, true })
            {
                using var scope = NewDisposeScope();
                using var generator = new Generator((ulong)seed);
                Tensor[] inputs = [.. Shapes(width).Select(shape => randn(shape, ScalarType.Float64, generator: generator))];
                var exact = Pass(inputs, Exact ?? Apply, ScalarType.Float64, transposed, generator);
                SoilMemory();
                var single = Pass(inputs, Apply, ScalarType.Float32, transposed, generator, exact.Upstream);
                double output = Distance(exact.Output, single.Output), gradient = exact.Gradients.Zip(single.Gradients, Distance).Aggregate(0.0, Math.Max);
                if (!(Math.Max(output, gradient) <= worst.Largest))
                    worst = new OperatorErrors(output, gradient, $"width {width}{(transposed ? ", transposed" : "")}");
                if (double.IsNaN(worst.Largest))
                    return worst;
            }
        }
        return worst;
    }

    private static (Tensor Output, Tensor[] Gradients, Tensor Upstream) Pass(
        Tensor[] inputs, Func<Tensor[], Tensor> apply, ScalarType type, bool transposed, Generator generator, Tensor? upstream = null)
    {
        // The same numbers in another order in memory.
        Tensor[] leaves = [.. inputs.Select(
            input => (transposed && input.dim() > 1 ? input.transpose(-1, -2).contiguous().transpose(-1, -2) : input).to(type).detach().requires_grad_())];
        var output = apply(leaves);
        var weights = upstream ?? randn(output.shape, ScalarType.Float64, generator: generator);
        bool turned = transposed && output.dim() > 1;
        ((turned ? output.transpose(-1, -2) : output) * (turned ? weights.transpose(-1, -2).contiguous() : weights).to(type)).sum().backward();
        return (output.detach(), [.. leaves.Select(leaf => leaf.grad!)], weights);
    }

    // An operator that reads uninitialized memory is right as long as the system hands out zeros.
    private static void SoilMemory()
    {
        using var scope = NewDisposeScope();
        for (long size = 16; size <= 1 << 20; size *= 2)
        {
            for (int i = 0; i < 8; i++)
                full([size + (i * size / 8)], double.NaN, ScalarType.Float32);
        }
    }

    private static double Distance(Tensor exact, Tensor single)
    {
        double difference = (exact - single.to(ScalarType.Float64)).abs().max().item<double>();
        return difference / Math.Max(1, exact.abs().max().item<double>());
    }
}

/// <summary>The errors of an operator's float32 against float64.</summary>
/// <param name="Output">The error of the output.</param>
/// <param name="Gradient">The error of the inputs' gradients.</param>
/// <param name="Where">The inputs with the largest error.</param>
internal sealed record OperatorErrors(double Output, double Gradient, string Where)
{
    /// <summary>The larger error; NaN where one is not a number.</summary>
    public double Largest => Math.Max(Output, Gradient);
}
