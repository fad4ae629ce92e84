namespace Maha.Layers.Text;

// V vocabulary, F features

/// <summary>
/// What a document's tokens say without their order beyond pairs: F = V + buckets features, tokens first, then hashed pairs of neighbors.
/// </summary>
/// <param name="vocabSize">V.</param>
/// <param name="numPairBuckets">How many buckets the pairs share; 0 for none.</param>
/// <param name="maxTokens">How many tokens from a document's beginning are looked at.</param>
internal sealed class LexicalFeatures(int vocabSize, int numPairBuckets, int maxTokens)
{
    /// <summary>F.</summary>
    public int Count => vocabSize + numPairBuckets;

    /// <summary>How often each feature occurs, in the order of first occurrence, so that sums over it repeat.</summary>
    public Dictionary<int, int> CountOccurrences(ReadOnlySpan<int> ids)
    {
        ids = ids[..Math.Min(ids.Length, maxTokens)];
        var counts = new Dictionary<int, int>(2 * ids.Length);
        for (int i = 0; i < ids.Length; i++)
        {
            Add(counts, ids[i]);
            if (i > 0 && numPairBuckets > 0)
                Add(counts, vocabSize + Bucket(ids[i - 1], ids[i]));
        }
        return counts;
    }

    /// <summary>The weight of a count before the inverse document frequency: what is said twice is not twice as telling.</summary>
    public static float Dampen(int count) => 1 + MathF.Log(count);

    // Multiplication by odd constants and the high half of the product: neighbors in the vocabulary don't share buckets.
    private int Bucket(int first, int second)
    {
        ulong mixed = unchecked((ulong)(uint)first * 0x9E3779B97F4A7C15 + (ulong)(uint)second * 0xC2B2AE3D27D4EB4F);
        mixed = unchecked((mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9);
        return (int)Math.BigMul(mixed, (ulong)numPairBuckets, out _);
    }

    private static void Add(Dictionary<int, int> counts, int feature)
        => System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(counts, feature, out _)++;
}
