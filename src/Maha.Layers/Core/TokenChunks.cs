using static TorchSharp.torch;

namespace Maha.Layers.Core;

// B batch, N length

/// <summary>Computes long sequences chunk by chunk, so that only one chunk's intermediate tensors are in memory at a time.</summary>
internal static class TokenChunks
{
    /// <summary>Calls a function for each chunk of [0, length) and concatenates the results along dimension 1.</summary>
    /// <param name="length">N, at least 1.</param>
    /// <param name="chunkLength">The most tokens of a chunk, at least 1.</param>
    /// <param name="compute">Takes the first token and the number of tokens of a chunk and returns [B, count, ...].</param>
    /// <returns>[B, N, ...]; the result itself where one chunk holds all tokens.</returns>
    public static Tensor Concatenate(long length, long chunkLength, Func<long, long, Tensor> compute) =>
        Concatenate(length, _ => chunkLength, compute);

    /// <summary>Calls a function for each chunk of [0, length) and concatenates the results along dimension 1.</summary>
    /// <param name="length">N, at least 1.</param>
    /// <param name="chunkLength">Takes the first token of a chunk and returns the most tokens of it, at least 1. Called after the chunks before are computed.</param>
    /// <param name="compute">Takes the first token and the number of tokens of a chunk and returns [B, count, ...].</param>
    /// <returns>[B, N, ...]; the result itself where one chunk holds all tokens.</returns>
    public static Tensor Concatenate(long length, Func<long, long> chunkLength, Func<long, long, Tensor> compute)
    {
        using var scope = NewDisposeScope();
        var chunks = new List<Tensor>();
        for (long start = 0, count; start < length; start += count)
        {
            using var inner = NewDisposeScope();
            count = Math.Min(chunkLength(start), length - start);
            chunks.Add(compute(start, count).MoveToOuterDisposeScope());
        }
        return (chunks.Count == 1 ? chunks[0] : cat(chunks, 1)).MoveToOuterDisposeScope();
    }
}
