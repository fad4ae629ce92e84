using static TorchSharp.torch;

namespace Maha.Layers.Weights;

/// <summary>The bytes of a tensor in pieces: a span holds at most 2 GB, a tensor may hold more.</summary>
internal static class TensorBytes
{
    private const long ChunkBytes = 1 << 24;

    /// <summary>Works on a piece of a tensor's bytes.</summary>
    /// <param name="chunk">The piece.</param>
    /// <param name="first">Where it begins in the tensor.</param>
    public delegate void ChunkAction(Span<byte> chunk, long first);

    /// <summary>Calls an action with all bytes of a contiguous tensor in the CPU's memory, in order.</summary>
    public static void ForEachChunk(Tensor tensor, long byteCount, ChunkAction action)
    {
        if (byteCount == 0)
            return;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var flat = tensor.detach().reshape(-1);
        long elementBytes = byteCount / flat.shape[0];
        long step = ChunkBytes / elementBytes;
        for (long start = 0; start < flat.shape[0]; start += step)
        {
            using var piece = flat.narrow(0, start, Math.Min(step, flat.shape[0] - start));
            action(piece.bytes, start * elementBytes);
        }
    }
}
