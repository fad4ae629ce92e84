using System.Globalization;

namespace Maha.Samples.Data.ManualPages;

/// <summary>The lengths of a set of documents, in words.</summary>
/// <param name="Count">How many documents.</param>
/// <param name="Min">The shortest.</param>
/// <param name="Median">The median length.</param>
/// <param name="Mean">The mean length.</param>
/// <param name="Percentile90">The 90th percentile of the lengths.</param>
/// <param name="Max">The longest.</param>
/// <param name="Over512">How many documents have more than 512 words.</param>
public sealed record LengthStatistics(int Count, int Min, int Median, double Mean, int Percentile90, int Max, int Over512)
{
    /// <summary>Counts the words of texts; all zero where there is none.</summary>
    public static LengthStatistics Of(IEnumerable<string> texts)
    {
        int[] words = texts.Select(text => PageText.CountWords(text)).Order().ToArray();
        return words.Length == 0
            ? new LengthStatistics(0, 0, 0, 0, 0, 0, 0)
            : new LengthStatistics(
                words.Length, words[0], NearestRank(words, 50), words.Average(), NearestRank(words, 90), words[^1],
                words.Count(n => n > 512));
    }

    /// <summary>For instance "815 documents, words: min 50, median 310, mean 700, p90 1500, max 20000; 237 over 512".</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Count} documents, words: min {Min}, median {Median}, mean {Mean:F0}, p90 {Percentile90}, max {Max}; {Over512} over 512");

    private static int NearestRank(int[] ordered, int percent) => ordered[(ordered.Length * percent + 99) / 100 - 1];
}
