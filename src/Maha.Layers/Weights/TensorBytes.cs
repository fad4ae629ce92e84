using static TorchSharp.torch;

namespace Maha.Layers.Weights;

/// <summary>Gives access to the bytes of a tensor in pieces, since a span holds at most 2 GB and a tensor can hold more.</summary>
internal static class TensorBytes
{
    private const long ChunkBytes = 1 << 24;

    /// <summary>Reads or writes a piece of the bytes of a tensor.</summary>
    /// <param name="chunk">The bytes of the piece.</param>
    /// <param name="first">The position of the first byte of the piece in the tensor.</param>
    public delegate void ChunkAction(Span<byte> chunk, long first);

    /// <summary>Calls an action for every piece of a contiguous tensor in CPU memory, in order.</summary>
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
