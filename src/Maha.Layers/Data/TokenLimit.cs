using Maha.Layers.Core;
using Maha.Layers.Text;

namespace Maha.Layers.Data;

/// <summary>Cuts the token ids of documents that are longer than a limit. Training and prediction share it, so both cut in the same way.</summary>
internal static partial class TokenLimit
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
        int keptAtEnd = KeptAtEnd(limit, overlong);
        if (keptAtEnd == 0)
            return tokenIds[..limit];
        if (keptAtEnd == limit)
            return tokenIds[^limit..];
        int[] kept = new int[limit];
        tokenIds.Span[..(limit - keptAtEnd)].CopyTo(kept);
        tokenIds.Span[^keptAtEnd..].CopyTo(kept.AsSpan(limit - keptAtEnd));
        return kept;
    }

    /// <summary>Returns the text of the kept token ids of a document. A character of which a part was cut is left out.</summary>
    /// <param name="text">The document.</param>
    /// <param name="tokenIds">All of its token ids.</param>
    /// <param name="limit">As for <see cref="Cut"/>.</param>
    /// <param name="overlong">As for <see cref="Cut"/>.</param>
    /// <param name="tokenizer">The tokenizer of the ids.</param>
    public static ReadOnlyMemory<char> CutText(
        ReadOnlyMemory<char> text, ReadOnlySpan<int> tokenIds, int limit, OverlongDocuments overlong, ITextTokenizer tokenizer) =>
        CutTextParts(text, tokenIds, limit, overlong, tokenizer, out _);

    /// <summary>Returns what <see cref="CutText"/> returns, and tells where it is in the document.</summary>
    /// <param name="text">The document.</param>
    /// <param name="tokenIds">All of its token ids.</param>
    /// <param name="limit">As for <see cref="Cut"/>.</param>
    /// <param name="overlong">As for <see cref="Cut"/>.</param>
    /// <param name="tokenizer">The tokenizer of the ids.</param>
    /// <param name="head">The number of kept characters that are from the beginning of the document; the others are from its end.</param>
    public static ReadOnlyMemory<char> CutTextParts(
        ReadOnlyMemory<char> text, ReadOnlySpan<int> tokenIds, int limit, OverlongDocuments overlong, ITextTokenizer tokenizer, out int head)
    {
        head = text.Length;
        if (tokenIds.Length <= limit)
            return text;
        int keptAtEnd = KeptAtEnd(limit, overlong);
        int start = tokenizer.CharactersOf(text.Span, tokenIds[..(limit - keptAtEnd)], fromEnd: false);
        int end = text.Length - tokenizer.CharactersOf(text.Span, tokenIds[^keptAtEnd..], fromEnd: true);
        head = start;
        return keptAtEnd == 0 ? text[..start] : start == 0 ? text[end..] : string.Concat(text.Span[..start], text.Span[end..]).AsMemory();
    }

    /// <summary>Returns the number of tokens that are kept at the end of a document that is longer than the limit.</summary>
    public static int KeptAtEnd(int limit, OverlongDocuments overlong) => overlong switch
    {
        OverlongDocuments.KeepStart => 0,
        OverlongDocuments.KeepEnd => limit,
        _ => limit / 2,
    };
}
