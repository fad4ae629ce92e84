using Maha.Layers.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Kernels;

/// <summary>
/// Dropout as TorchSharp's, by a faster generator where the tensor is in the processor's memory.
/// </summary>
/// <remarks>
/// In training every element is 0 with probability p, else divided by 1 - p; otherwise the input comes back as it is.
/// One number is drawn from torch's random state a call, so that a seeded state repeats the same elements, whatever the number of threads.
/// </remarks>
internal sealed class ActivationDropout : Module<Tensor, Tensor>
{
    /// <summary>Builds a dropout.</summary>
    /// <param name="probability">p, in [0, 1).</param>
    public ActivationDropout(double probability) : base(nameof(ActivationDropout))
    {
        TensorChecks.Probability(probability, nameof(probability));
        Probability = probability;
    }

    /// <summary>p.</summary>
    public double Probability { get; }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        if (!training || Probability == 0)
            return input.alias();
        if (!TensorMemory.Reachable(input))
            return functional.dropout(input, Probability);
        using var scope = NewDisposeScope();
        long seed = randint(long.MaxValue, [1]).item<long>();
        return DropoutFunction.Apply(input, Probability, seed).MoveToOuterDisposeScope();
    }
}
