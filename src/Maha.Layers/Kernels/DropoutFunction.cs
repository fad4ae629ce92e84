using Maha.Layers.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Kernels;

/// <summary>The differentiable call of <see cref="DropoutKernel"/>. Arguments: input, probability, seed.</summary>
internal sealed unsafe class DropoutFunction : SingleOutputFunction<DropoutFunction>
{
    private const string ProbabilityKey = "probability";
    private const string SeedKey = "seed";

    /// <summary>Drops elements of a tensor for which <see cref="TensorMemory.Reachable"/> holds.</summary>
    public static Tensor Apply(Tensor input, double probability, long seed) => CallContiguous(input, probability, seed);

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        var (input, probability, seed) = ((Tensor)arguments[0], (double)arguments[1], (long)arguments[2]);
        ctx.save_data(ProbabilityKey, probability);
        ctx.save_data(SeedKey, seed);
        return Drop(input, probability, seed);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient) =>
        [Drop(gradient.contiguous(), (double)ctx.get_data(ProbabilityKey), (long)ctx.get_data(SeedKey)), null, null];

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
