namespace Maha.Layers.Data;

/// <summary>A text with token ids, or of a long one the parts that were encoded.</summary>
/// <param name="Part">The text that was encoded: all of it, or its beginning and its end.</param>
/// <param name="TokenIds">The token ids of the part.</param>
/// <param name="Length">The length of the whole text.</param>
internal readonly record struct EncodedText(ReadOnlyMemory<char> Part, int[] TokenIds, int Length)
{
    /// <summary>Returns a document of which there are token ids alone.</summary>
    public static EncodedText FromIds(int[] tokenIds) => new(default, tokenIds, 0);

    /// <summary>Returns the number of tokens of the whole text, which is estimated if a part of it was encoded.</summary>
    public long EstimateTokens() => Part.Length == Length ? TokenIds.Length : (long)((double)TokenIds.Length / Part.Length * Length);
}
