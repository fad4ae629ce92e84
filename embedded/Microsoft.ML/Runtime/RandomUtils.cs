using System.Numerics;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

internal static class RandomUtils
{
    public static TauswortheHybrid Create(int? seed) => seed is int s ? new TauswortheHybrid((uint)s) : new TauswortheHybrid(new Random());
    public static TauswortheHybrid Create(Random seed) => new(seed);
}

// Three Tausworthe generators and one linear congruential one, xor-ed (L'Ecuyer's taus88 with an LCG): with the same seed the
// same numbers as ML.NET, so that splits and shuffles agree.
internal sealed class TauswortheHybrid : Random
{
    private uint _z1, _z2, _z3, _z4;

    public TauswortheHybrid(uint seed)
    {
        _z1 = seed;
        _z2 = MurmurRound(_z1, _z1);
        _z3 = MurmurRound(_z2, _z1);
        _z4 = MurmurRound(_z3, _z1);
    }

    public TauswortheHybrid(Random rng)
    {
        _z1 = AtLeast128(rng);
        _z2 = AtLeast128(rng);
        _z3 = AtLeast128(rng);
        _z4 = Bits(rng);
    }

    internal static uint MurmurRound(uint hash, uint chunk)
    {
        hash ^= BitOperations.RotateLeft(chunk * 0xCC9E2D51, 15) * 0x1B873593;
        return BitOperations.RotateLeft(hash, 13) * 5 + 0xE6546B64;
    }

    private static uint Bits(Random rng) => ((uint)rng.Next(0x10000) << 16) | (uint)rng.Next(0x10000);

    // The low bits of a Tausworthe state are masked away: smaller seeds would degenerate to zero.
    private static uint AtLeast128(Random rng)
    {
        uint bits;
        do
            bits = Bits(rng);
        while (bits < 128);
        return bits;
    }

    private uint NextBits()
    {
        Step(ref _z1, 13, 19, 12, ~0x1u);
        Step(ref _z2, 2, 25, 4, ~0x7u);
        Step(ref _z3, 3, 11, 17, ~0xfu);
        _z4 = 1664525 * _z4 + 1013904223;
        return _z1 ^ _z2 ^ _z3 ^ _z4;
    }

    private static void Step(ref uint z, int s1, int s2, int s3, uint mask) => z = ((z & mask) << s3) ^ (((z << s1) ^ z) >> s2);

    public override float NextSingle() => (NextBits() >> 9) * (1f / (1 << 23));

    public override double NextDouble() => NextBits() * (1.0 / 4294967296.0);

    public override int Next()
    {
        uint bits = NextBits();
        return (int)(bits + (bits & 0x80000000u));
    }

    public override int Next(int maxValue)
    {
        Contracts.CheckParam(maxValue >= 0, nameof(maxValue), "maxValue must be non-negative");
        return (int)((NextBits() * (ulong)maxValue) >> 32);
    }

    public override int Next(int minValue, int maxValue)
    {
        Contracts.CheckParam(minValue <= maxValue, nameof(minValue), "minValue must be less than or equal to maxValue.");
        return (int)((long)(NextDouble() * ((long)maxValue - minValue)) + minValue);
    }

    public override void NextBytes(byte[] buffer)
    {
        for (int i = 0; i < buffer.Length; i++)
            buffer[i] = (byte)Next();
    }
}
