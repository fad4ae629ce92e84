using Maha.Layers.Core;

namespace Maha.Layers.Data;

/// <summary>Cuts the token ids of documents that are longer than a limit. Training and prediction share it, so both cut in the same way.</summary>
internal static class TokenLimit
{
    /// <summary>Checks a limit and what to keep of a longer document.</summary>
    /// <exception cref="ArgumentException">The rule is unknown, or the limit leaves no token for each end.</exception>
    public static void Check(int maxSequenceLength, OverlongDocuments overlong)
    {
        TensorChecks.Known(overlong, nameof(OverlongDocuments));
        if (overlong == OverlongDocuments.KeepStartAndEnd && maxSequenceLength < 2)
        {
            throw new ArgumentOutOfRangeException(
                nameof(maxSequenceLength),
                $"MaxSequenceLength must be at least 2 where both ends of a document are kept, but is {maxSequenceLength}. Raise it, or choose another of OverlongDocuments.");
        }
    }

    /// <summary>Returns the token ids that are kept of a document.</summary>
    /// <param name="tokenIds">The token ids of the document.</param>
    /// <param name="limit">The maximum number of ids, at least 1; at least 2 with <see cref="OverlongDocuments.KeepStartAndEnd"/>.</param>
    /// <param name="overlong">What to keep of a longer document.</param>
    /// <returns>The ids as they are where they are within the limit, otherwise the kept ids.</returns>
    /// <exception cref="ArgumentException">
    /// The document is longer than the limit and <paramref name="overlong"/> is <see cref="OverlongDocuments.Throw"/>.
    /// </exception>
    public static ReadOnlyMemory<int> Cut(ReadOnlyMemory<int> tokenIds, int limit, OverlongDocuments overlong)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        TensorChecks.Known(overlong, nameof(overlong));
        if (tokenIds.Length <= limit)
            return tokenIds;
        if (overlong == OverlongDocuments.Throw)
        {
            throw new ArgumentException(
                $"A document must have at most {limit} tokens, but has {tokenIds.Length}. " +
                "Raise the limit, shorten the document, or set OverlongDocuments to what to keep.", nameof(tokenIds));
        }
        int keptAtEnd = overlong switch
        {
            OverlongDocuments.KeepStart => 0,
            OverlongDocuments.KeepEnd => limit,
            _ => limit / 2,
        };
        if (keptAtEnd == 0)
            return tokenIds[..limit];
        if (keptAtEnd == limit)
            return tokenIds[^limit..];
        int[] kept = new int[limit];
        tokenIds.Span[..(limit - keptAtEnd)].CopyTo(kept);
        tokenIds.Span[^keptAtEnd..].CopyTo(kept.AsSpan(limit - keptAtEnd));
        return kept;
    }
}
