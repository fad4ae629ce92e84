using static TorchSharp.torch;

namespace Maha.Layers.Core;

/// <summary>
/// Seeds the random state of the process and restores it on <see cref="Dispose"/>, so that code after the scope draws the same numbers as without it.
/// </summary>
/// <remarks>
/// <para>For operations that take no generator of their own: dropout, and the initialization of a module's weights. The state belongs to the whole
/// process, so results are not reproducible where two scopes are open on two threads at the same time.</para>
/// <para>TorchSharp (0.107) cannot read the state of CUDA's generators. With a CUDA device they are seeded and not restored.</para>
/// </remarks>
internal sealed class RandomStateScope : IDisposable
{
    private Tensor? _before;

    /// <summary>Saves the state and seeds the generators.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="device">The device on which numbers will be drawn; null for the CPU.</param>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public RandomStateScope(long seed, Device? device = null)
    {
        TorchLibrary.EnsureLoaded();
        _before = random.get_rng_state().DetachFromDisposeScope();
        if (device is not null && device.type == TorchSharp.DeviceType.CUDA)
            cuda.manual_seed_all(seed);
        using var generator = new Generator(unchecked((ulong)seed));
        using var state = generator.get_state();
        random.set_rng_state(state);
    }

    /// <summary>Restores the state.</summary>
    public void Dispose()
    {
        if (_before is null)
            return;
        random.set_rng_state(_before);
        _before.Dispose();
        _before = null;
    }
}
