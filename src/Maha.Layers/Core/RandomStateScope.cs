using static TorchSharp.torch;

namespace Maha.Layers.Core;

/// <summary>
/// Draws under a seed, then puts the random state of the process back: what comes after the scope is as if it had not been.
/// </summary>
/// <remarks>
/// <para>For what takes no generator of its own: dropout, and the first weights of a module. The state belongs to the whole
/// process: two scopes on two threads at a time draw from each other's numbers, and neither repeats then.</para>
/// <para>TorchSharp (0.107) cannot read the state of CUDA's generators. With a CUDA device they are seeded, and stay so.</para>
/// </remarks>
public sealed class RandomStateScope : IDisposable
{
    private Tensor? _before;

    /// <summary>Keeps the state and seeds.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="device">Where numbers will be drawn; null for the CPU.</param>
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

    /// <summary>Puts the state back.</summary>
    public void Dispose()
    {
        if (_before is null)
            return;
        random.set_rng_state(_before);
        _before.Dispose();
        _before = null;
    }
}
