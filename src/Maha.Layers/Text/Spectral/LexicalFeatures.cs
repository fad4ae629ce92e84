using System.Runtime.InteropServices;

namespace Maha.Layers.Text;

// V vocabulary, F features

/// <summary>
/// The features of a document's vocabulary: counts of its tokens and of its hashed pairs of neighboring tokens, F = V + buckets features, tokens first.
/// </summary>
/// <param name="vocabSize">V.</param>
/// <param name="numPairBuckets">The number of buckets for pairs; 0 for no pairs.</param>
/// <param name="maxTokens">The number of tokens at the beginning of a document that are counted.</param>
internal sealed class LexicalFeatures(int vocabSize, int numPairBuckets, int maxTokens)
{
    /// <summary>F, the number of features.</summary>
    public int Count => vocabSize + numPairBuckets;

    /// <summary>Counts the occurrences of each feature. The order is that of the first occurrences, so that sums over the counts are reproducible.</summary>
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

    /// <summary>Returns the weight of a count before the inverse document frequency: 1 + ln count, since repetitions add little information.</summary>
    public static float Dampen(int count) => 1 + MathF.Log(count);

    // Multiplication by odd constants and the high half of the product: neighboring token ids go to different buckets.
    private int Bucket(int first, int second)
    {
        ulong mixed = unchecked((ulong)(uint)first * 0x9E3779B97F4A7C15 + (ulong)(uint)second * 0xC2B2AE3D27D4EB4F);
        mixed = unchecked((mixed ^ (mixed >> 29)) * 0xBF58476D1CE4E5B9);
        return (int)Math.BigMul(mixed, (ulong)numPairBuckets, out _);
    }

    private static void Add(Dictionary<int, int> counts, int feature) =>
        CollectionsMarshal.GetValueRefOrAddDefault(counts, feature, out _)++;
}
