using static TorchSharp.torch;

namespace Maha.Layers.Core;

// B batch, N length

/// <summary>Computes a long sequence in chunks, so that only the temporaries of one chunk are in memory at a time.</summary>
internal static class SequenceChunks
{
    /// <summary>Applies a function to consecutive chunks of a sequence, the first chunk first, and concatenates the results.</summary>
    /// <param name="sequence">[B, N, ...].</param>
    /// <param name="chunkLength">The most tokens of a chunk.</param>
    /// <param name="function">Maps a chunk [B, n, ...] to a result [B, n, ...]. Its temporaries are freed after each chunk.</param>
    /// <returns>[B, N, ...].</returns>
    public static Tensor Apply(Tensor sequence, long chunkLength, Func<Tensor, Tensor> function)
    {
        using var scope = NewDisposeScope();
        long length = sequence.shape[1];
        if (length <= chunkLength)
            return function(sequence).MoveToOuterDisposeScope();
        var results = new List<Tensor>();
        for (long start = 0; start < length; start += chunkLength)
        {
            using var inner = NewDisposeScope();
            results.Add(function(sequence.narrow(1, start, Math.Min(chunkLength, length - start))).MoveToOuterDisposeScope());
        }
        return cat(results, 1).MoveToOuterDisposeScope();
    }
}
