namespace Maha.MLNet.Classification;

// n documents

/// <summary>Chooses the probability above which a binary classifier predicts true.</summary>
internal static class ThresholdSelection
{
    /// <summary>The default threshold, which is ML.NET's.</summary>
    public const double Half = 0.5;

    // The log odds of 0 and of 1 are infinite.
    private const double Smallest = 1e-6;

    /// <summary>Chooses the best threshold for documents. Of several that are equally good it is the one nearest one half.</summary>
    /// <param name="kind">The criterion.</param>
    /// <param name="probabilities">n probabilities of true.</param>
    /// <param name="labels">n labels.</param>
    /// <param name="weights">The weights of the documents; null for 1.</param>
    public static double Choose(
        BinaryThreshold kind, IReadOnlyList<double> probabilities, IReadOnlyList<bool> labels, IReadOnlyList<float>? weights = null)
    {
        if (kind == BinaryThreshold.Half || labels.Count == 0)
            return Half;
        int[] order = [.. Enumerable.Range(0, labels.Count).OrderByDescending(i => probabilities[i])];
        double positives = 0, count = 0, truePositives = 0, predicted = 0;
        for (int i = 0; i < labels.Count; i++)
        {
            count += WeightOf(i);
            positives += labels[i] ? WeightOf(i) : 0;
        }
        // The first candidate: no document is above the threshold.
        double best = Score(kind, 0, 0, positives, count), threshold = Between(probabilities[order[0]], 1);
        for (int above = 1; above <= order.Length; above++)
        {
            predicted += WeightOf(order[above - 1]);
            truePositives += labels[order[above - 1]] ? WeightOf(order[above - 1]) : 0;
            double lowest = probabilities[order[above - 1]], next = above < order.Length ? probabilities[order[above]] : 0;
            if (above < order.Length && lowest == next)
                continue;
            double score = Score(kind, truePositives, predicted, positives, count), between = Between(next, lowest);
            if (score > best || (score == best && Math.Abs(between - Half) < Math.Abs(threshold - Half)))
                (best, threshold) = (score, between);
        }
        return threshold;

        double WeightOf(int document) => weights?[document] ?? 1;
    }

    private static double Score(BinaryThreshold kind, double truePositives, double predicted, double positives, double count) => kind switch
    {
        BinaryThreshold.BestF1 => positives + predicted == 0 ? 0 : 2.0 * truePositives / (positives + predicted),
        _ => (truePositives + (count - positives) - (predicted - truePositives)) / count,
    };

    // One half if it separates the two, else their middle.
    private static double Between(double low, double high) => low <= Half && high > Half ? Half : Clamp((low + high) / 2);

    private static double Clamp(double threshold) => Math.Clamp(threshold, Smallest, 1 - Smallest);
}
