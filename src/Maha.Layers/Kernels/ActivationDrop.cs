namespace Maha.Layers.Kernels;

/// <summary>The elements that a call of dropout drops: those whose hash (<see cref="DropoutKernel"/>) is below a threshold.</summary>
/// <param name="Seed">The seed of the hash.</param>
/// <param name="Threshold">The threshold; 0 drops nothing.</param>
/// <param name="KeptFactor">The factor of the other elements, 1 / (1 - p).</param>
internal readonly record struct ActivationDrop(long Seed, uint Threshold, float KeptFactor)
{
    /// <summary>Drops nothing.</summary>
    public static ActivationDrop None { get; } = new(0, 0, 1);

    /// <summary>Drops elements with a probability.</summary>
    public static ActivationDrop Create(double probability, long seed) => new(seed, DropoutKernel.Threshold(probability), (float)(1 / (1 - probability)));
}
