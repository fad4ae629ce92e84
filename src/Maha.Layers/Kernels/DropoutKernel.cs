using System.Numerics;
using System.Runtime.CompilerServices;
using Maha.Layers.Core;

namespace Maha.Layers.Kernels;

/// <summary>
/// Drops elements by a hash of seed and position, so that no mask is kept: the backward pass hashes again.
/// </summary>
/// <remarks>
/// libtorch (2.10) draws one number after the other on one thread. That takes 16 times as long as this kernel, more than all products of a small model
/// together. The hash is the 32-bit finalizer of MurmurHash3 over the position within a chunk, whitened by two words that SplitMix64 makes of seed and chunk;
/// the result depends neither on the number of threads nor on the width of the processor's registers.
/// </remarks>
internal static unsafe class DropoutKernel
{
    // Elements that share the two words; also one piece of work for a thread.
    private const int ChunkLength = 1 << 14;

    /// <summary>Computes output_i = input_i / (1 - p), or 0 with probability p.</summary>
    /// <param name="input">The elements.</param>
    /// <param name="output">As many elements; may be the input itself.</param>
    /// <param name="count">The number of elements.</param>
    /// <param name="probability">p, in [0, 1).</param>
    /// <param name="seed">The same seed drops the same positions.</param>
    /// <param name="threads">The largest number of threads to use.</param>
    public static void Apply<T>(T* input, T* output, long count, double probability, long seed, int threads)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        uint threshold = Threshold(probability);
        var scale = T.CreateChecked(1 / (1 - probability));
        int chunks = checked((int)((count + ChunkLength - 1) / ChunkLength));
        KernelThreads.For(chunks, threads, chunk =>
        {
            long start = (long)chunk * ChunkLength;
            int length = (int)Math.Min(ChunkLength, count - start);
            ulong words = DeterministicRandom.Mix((ulong)seed + ((ulong)chunk * 0x9E3779B97F4A7C15));
            Chunk(input + start, output + start, length, threshold, scale, (uint)words, (uint)(words >> 32));
        });
    }

    /// <summary>Returns the number below which the hash of a dropped element is.</summary>
    public static uint Threshold(double probability) => (uint)Math.Min(probability * 4294967296.0, uint.MaxValue);

    private static void Chunk<T>(T* input, T* output, int length, uint threshold, T scale, uint first, uint second)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int i = 0;
        if (typeof(T) == typeof(float))
        {
            var lanes = Vector<uint>.Indices;
            var limit = new Vector<uint>(threshold);
            var factor = new Vector<float>((float)(object)scale);
            for (; i <= length - Vector<float>.Count; i += Vector<float>.Count)
            {
                var kept = Vector.GreaterThanOrEqual(Hash(lanes + new Vector<uint>((uint)i), first, second), limit);
                var value = Unsafe.ReadUnaligned<Vector<float>>(input + i) * factor;
                Unsafe.WriteUnaligned(output + i, Vector.ConditionalSelect(Vector.AsVectorSingle(kept), value, Vector<float>.Zero));
            }
        }
        for (; i < length; i++)
            output[i] = Hash((uint)i, first, second) >= threshold ? input[i] * scale : T.Zero;
    }

    private static Vector<uint> Hash(Vector<uint> x, uint first, uint second)
    {
        x = (x * 0x9E3779B1u) + new Vector<uint>(first);
        x ^= x >> 16;
        x *= 0x85EBCA6Bu;
        x ^= (x >> 13) ^ new Vector<uint>(second);
        x *= 0xC2B2AE35u;
        return x ^ (x >> 16);
    }

    private static uint Hash(uint x, uint first, uint second)
    {
        x = (x * 0x9E3779B1u) + first;
        x ^= x >> 16;
        x *= 0x85EBCA6Bu;
        x ^= (x >> 13) ^ second;
        x *= 0xC2B2AE35u;
        return x ^ (x >> 16);
    }
}
