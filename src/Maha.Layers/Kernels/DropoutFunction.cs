using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Kernels;

/// <summary>The differentiable call of <see cref="DropoutKernel"/>. Arguments: input, probability, seed.</summary>
internal sealed unsafe class DropoutFunction : SingleTensorFunction<DropoutFunction>
{
    private const string ProbabilityKey = "probability";
    private const string SeedKey = "seed";

    /// <inheritdoc/>
    public override string Name => nameof(DropoutFunction);

    /// <summary>Drops elements of a tensor that <see cref="TensorMemory.Reachable"/> allows.</summary>
    public static Tensor Apply(Tensor input, double probability, long seed) => apply(input.contiguous(), probability, seed);

    /// <inheritdoc/>
    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        var (input, probability, seed) = ((Tensor)vars[0], (double)vars[1], (long)vars[2]);
        ctx.save_data(ProbabilityKey, probability);
        ctx.save_data(SeedKey, seed);
        return Drop(input, probability, seed);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        using var gradient = grad_output.contiguous();
        return [Drop(gradient, (double)ctx.get_data(ProbabilityKey), (long)ctx.get_data(SeedKey)), null!, null!];
    }

    private static Tensor Drop(Tensor input, double probability, long seed)
    {
        var output = empty_like(input);
        int threads = get_num_threads();
        if (input.dtype == ScalarType.Float32)
            DropoutKernel.Apply(TensorMemory.Pointer<float>(input), TensorMemory.Pointer<float>(output), input.numel(), probability, seed, threads);
        else
            DropoutKernel.Apply(TensorMemory.Pointer<double>(input), TensorMemory.Pointer<double>(output), input.numel(), probability, seed, threads);
        GC.KeepAlive(input);
        return output;
    }
}
