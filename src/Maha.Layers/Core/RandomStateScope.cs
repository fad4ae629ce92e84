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
    // The Mersenne Twister of libtorch: the seed (Int64), the numbers left (Int32), whether it is seeded (Int32), and the next of its numbers (Int64).
    private const int LeftOffset = 8;
    private const int SeededOffset = 12;
    private const int NextOffset = 16;
    private const int NumNumbers = 624;

    // The state of the process, and whoever sets it.
    private static readonly Lock s_setting = new();

    private Tensor? _before;

    /// <summary>Saves the state and seeds the generators.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="device">The device on which numbers will be drawn; null for the CPU.</param>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public RandomStateScope(long seed, Device? device = null)
    {
        TorchLibrary.EnsureLoaded();
        lock (s_setting)
        {
            _before = random.get_rng_state().DetachFromDisposeScope();
            Seed(seed, device);
        }
    }

    /// <summary>Builds modules, whose first weights are drawn under a seed. Code after it draws the same numbers as without it.</summary>
    /// <param name="build">Builds the modules. TorchSharp can't build one without drawing weights, also where others replace them at once.</param>
    /// <param name="seed">The seed.</param>
    /// <returns>What was built.</returns>
    /// <remarks>Other threads wait before they set the state, so that models can be built and loaded on several threads at the same time.</remarks>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public static T Build<T>(Func<T> build, long seed = 0)
    {
        lock (s_setting)
        {
            using var scope = new RandomStateScope(seed);
            return build();
        }
    }

    /// <summary>Seeds the generators inside a scope, which restores the state before it.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="device">The device on which numbers will be drawn; null for the CPU.</param>
    public static void Seed(long seed, Device? device)
    {
        if (device is not null && device.type == TorchSharp.DeviceType.CUDA)
            cuda.manual_seed_all(seed);
        using var generator = new Generator(unchecked((ulong)seed));
        using var state = generator.get_state();
        lock (s_setting)
            random.set_rng_state(state);
    }

    /// <summary>Sets the random state of the process to one that was saved.</summary>
    /// <param name="state">The state, from <c>torch.random.get_rng_state</c>. libtorch ends the process on another one.</param>
    /// <exception cref="ArgumentException">The tensor is not such a state.</exception>
    public static void Restore(Tensor state)
    {
        using var current = random.get_rng_state();
        if (state.dtype != current.dtype || state.device_type != current.device_type || !state.shape.SequenceEqual(current.shape))
        {
            throw new ArgumentException(
                $"A random state must have {current.numel()} bytes on the CPU, but has {state.numel()} elements of {state.dtype} on " +
                $"{state.device_type}. Use one of get_rng_state.", nameof(state));
        }
        using var contiguous = state.contiguous();
        byte[] bytes = contiguous.data<byte>().ToArray();
        int left = BitConverter.ToInt32(bytes, LeftOffset), seeded = BitConverter.ToInt32(bytes, SeededOffset);
        long next = BitConverter.ToInt64(bytes, NextOffset);
        if (seeded != 1 || left is < 1 or > NumNumbers || next is < 0 or > NumNumbers)
        {
            throw new ArgumentException(
                $"A random state must be seeded and have 1 to {NumNumbers} numbers left, but has the flag {seeded}, " +
                $"{left} left and the next at {next}. Use one of get_rng_state.", nameof(state));
        }
        lock (s_setting)
            random.set_rng_state(state);
    }

    /// <summary>Restores the state.</summary>
    public void Dispose()
    {
        if (_before is null)
            return;
        lock (s_setting)
            random.set_rng_state(_before);
        _before.Dispose();
        _before = null;
    }
}
