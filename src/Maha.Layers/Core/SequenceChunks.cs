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
        long length = sequence.shape[1];
        return Apply(length, chunkLength, (start, count) => function(count == length ? sequence : sequence.narrow(1, start, count)));
    }

    /// <summary>Calls a function for consecutive chunks of the tokens [0, length), the first chunk first, and concatenates the results.</summary>
    /// <param name="length">N.</param>
    /// <param name="chunkLength">The most tokens of a chunk.</param>
    /// <param name="function">Maps the first token of a chunk and its length n to a result [B, n, ...]. Its temporaries are freed after each chunk.</param>
    /// <returns>[B, N, ...].</returns>
    public static Tensor Apply(long length, long chunkLength, Func<long, long, Tensor> function) => Apply(length, _ => chunkLength, function);

    /// <summary>Calls a function for consecutive chunks of the tokens [0, length), the first chunk first, and concatenates the results.</summary>
    /// <param name="length">N.</param>
    /// <param name="chunkLength">Maps the first token of a chunk to the most tokens of the chunk. Called after the chunks before it are computed.</param>
    /// <param name="function">Maps the first token of a chunk and its length n to a result [B, n, ...]. Its temporaries are freed after each chunk.</param>
    /// <returns>[B, N, ...].</returns>
    public static Tensor Apply(long length, Func<long, long> chunkLength, Func<long, long, Tensor> function)
    {
        using var scope = NewDisposeScope();
        var results = new List<Tensor>();
        for (long start = 0, count; start < length; start += count)
        {
            using var inner = NewDisposeScope();
            count = Math.Min(chunkLength(start), length - start);
            results.Add(function(start, count).MoveToOuterDisposeScope());
        }
        return (results.Count == 1 ? results[0] : cat(results, 1)).MoveToOuterDisposeScope();
    }
}
