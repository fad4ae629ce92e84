using Maha.Layers.Core;

namespace Maha.Layers.Data;

/// <summary>Cuts the token ids of a document that is longer than a limit. Training and prediction cut alike.</summary>
public static class TokenLimit
{
    /// <summary>What is kept of a document.</summary>
    /// <param name="tokenIds">The ids of the document.</param>
    /// <param name="limit">The most ids that are kept, at least 1; 2 with <see cref="OverlongDocuments.KeepStartAndEnd"/>.</param>
    /// <param name="overlong">What is kept of a document with more.</param>
    /// <returns>The ids themselves where they are within the limit, else the kept ones.</returns>
    /// <exception cref="ArgumentException">The document is longer than the limit and <paramref name="overlong"/> is <see cref="OverlongDocuments.Throw"/>.</exception>
    public static ReadOnlyMemory<int> Cut(ReadOnlyMemory<int> tokenIds, int limit, OverlongDocuments overlong)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        TensorChecks.Known(overlong, nameof(overlong));
        if (tokenIds.Length <= limit)
            return tokenIds;
        if (overlong == OverlongDocuments.Throw)
            throw new ArgumentException($"A document must have at most {limit} tokens, but has {tokenIds.Length}. Raise the limit, cut the document, or let OverlongDocuments say what to keep.", nameof(tokenIds));
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
