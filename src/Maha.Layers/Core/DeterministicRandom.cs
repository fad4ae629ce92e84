namespace Maha.Layers.Core;

/// <summary>
/// SplitMix64 (Steele, Lea and Flood 2014): random numbers that are the same on every machine and every version of .NET,
/// so that a seed gives the same batches everywhere.
/// </summary>
internal struct DeterministicRandom
{
    private ulong _state;

    public DeterministicRandom(ulong seed) => _state = seed;

    /// <summary>Derives the seed of one use of a user's seed.</summary>
    /// <param name="seed">The user's seed.</param>
    /// <param name="purpose">What the numbers are drawn for.</param>
    /// <param name="index">The epoch, batch or other number that tells draws of one purpose apart.</param>
    public static ulong Combine(int seed, SeedPurpose purpose, long index)
    {
        ulong mixed = Mix(unchecked((ulong)seed + 0x9E3779B97F4A7C15));
        mixed = Mix(mixed ^ (ulong)purpose);
        return Mix(mixed ^ unchecked((ulong)index));
    }

    public ulong Next() => Mix(unchecked(_state += 0x9E3779B97F4A7C15));

    /// <summary>A number from 0 to limit - 1. The bias is below limit / 2^64.</summary>
    public int Next(int limit) => (int)Math.BigMul(Next(), (ulong)limit, out _);

    /// <summary>A number in [0, 1), uniform among the multiples of 2^-53.</summary>
    public double NextDouble() => (Next() >> 11) * (1.0 / (1L << 53));

    /// <summary>Puts the items in a random order (Fisher-Yates).</summary>
    public void Shuffle<T>(Span<T> items)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int j = Next(i + 1);
            (items[i], items[j]) = (items[j], items[i]);
        }
    }

    /// <summary>The finalizer of SplitMix64: mixes all bits of a number into all bits of the result.</summary>
    public static ulong Mix(ulong z)
    {
        z = unchecked((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ (z >> 27)) * 0x94D049BB133111EB);
        return z ^ (z >> 31);
    }
}
