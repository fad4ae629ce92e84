using Maha.Layers.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Kernels;

/// <summary>Dropout as TorchSharp's, with a faster generator for tensors in CPU memory.</summary>
/// <remarks>
/// In training mode every element is set to 0 with probability p, or else divided by 1 - p. In evaluation mode, and under <see cref="WithoutDropout"/>, the input is
/// returned unchanged.
/// Each call draws one number from torch's random state, so that a seeded state drops the same elements with any number of threads.
/// </remarks>
internal sealed class ActivationDropout : Module<Tensor, Tensor>
{
    /// <summary>Builds the layer.</summary>
    /// <param name="probability">p, in [0, 1).</param>
    public ActivationDropout(double probability)
        : base(nameof(ActivationDropout))
    {
        TensorChecks.Probability(probability, nameof(probability));
        Probability = probability;
    }

    /// <summary>p, the probability that an element is dropped.</summary>
    public double Probability { get; }

    /// <summary>Whether the next call drops elements.</summary>
    public bool Drops => training && Probability > 0 && !WithoutDropout.IsActive;

    /// <inheritdoc/>
    public override Tensor forward(Tensor input)
    {
        if (!Drops)
            return input.alias();
        if (!TensorMemory.Reachable(input))
            return functional.dropout(input, Probability);
        using var scope = NewDisposeScope();
        return DropoutFunction.Apply(input, Probability, DrawSeed()).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Returns the elements to drop in the next call, for a kernel that drops them itself. Where a call drops elements, it draws a number as the call does.
    /// </summary>
    public ActivationDrop Draw() => Drops ? ActivationDrop.Create(Probability, DrawSeed()) : ActivationDrop.None;

    private static long DrawSeed()
    {
        using var seed = randint(long.MaxValue, [1]);
        return seed.item<long>();
    }
}
