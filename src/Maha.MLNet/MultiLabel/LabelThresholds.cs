using Maha.MLNet.Classification;

namespace Maha.MLNet.MultiLabel;

// n documents, L labels

/// <summary>Chooses the probability of each label above which it is predicted: the one with the highest F1 score of the label.</summary>
/// <remarks>
/// A label with few documents says little about its own threshold. So the counts of all labels at a threshold, as much as a few documents with the label, are
/// added to its own: F1_l(t) = 2 (TP_l + k TP) / (P_l + M_l + k (P + M)), where TP are the true positives, P the documents with the label and M those that are
/// above the threshold; those without index are sums over all labels, and k P is <see cref="SharedDocuments"/>.
/// </remarks>
internal static class LabelThresholds
{
    // The documents with the label that the counts of all labels stand for.
    private const double SharedDocuments = 10;

    // Thresholds are tried at so many log odds, which are equally far apart.
    private const int NumCandidates = 161;
    private const double MaxLogOdds = 8;

    /// <summary>Chooses the thresholds, as probabilities in (0, 1).</summary>
    /// <param name="logOdds">The calibrated log odds of documents that the model was not trained on, [n, L].</param>
    /// <param name="sets">The labels of the documents.</param>
    /// <param name="weights">The weights of the documents; null for 1.</param>
    public static double[] Choose(IReadOnlyList<float[]> logOdds, IReadOnlyList<int[]> sets, IReadOnlyList<float>? weights)
    {
        if (logOdds.Count == 0)
            return [];
        int numLabels = logOdds[0].Length;
        // The weight of the documents, and of those with the label, whose log odds are above each candidate: [L, candidates].
        double[][] above = [.. Enumerable.Range(0, numLabels).Select(_ => new double[NumCandidates])];
        double[][] correct = [.. Enumerable.Range(0, numLabels).Select(_ => new double[NumCandidates])];
        double[] positives = new double[numLabels];
        for (int i = 0; i < logOdds.Count; i++)
        {
            double weight = weights?[i] ?? 1;
            for (int l = 0; l < numLabels; l++)
            {
                if (LastBelow(logOdds[i][l]) is >= 0 and var last)
                    above[l][last] += weight;
            }
            foreach (int label in sets[i])
            {
                positives[label] += weight;
                if (LastBelow(logOdds[i][label]) is >= 0 and var last)
                    correct[label][last] += weight;
            }
        }
        for (int c = NumCandidates - 2; c >= 0; c--)
        {
            for (int l = 0; l < numLabels; l++)
            {
                above[l][c] += above[l][c + 1];
                correct[l][c] += correct[l][c + 1];
            }
        }

        double[] allAbove = [.. Enumerable.Range(0, NumCandidates).Select(c => above.Sum(counts => counts[c]))];
        double[] allCorrect = [.. Enumerable.Range(0, NumCandidates).Select(c => correct.Sum(counts => counts[c]))];
        double allPositives = positives.Sum(), share = allPositives == 0 ? 0 : SharedDocuments / allPositives;
        return [.. Enumerable.Range(0, numLabels).Select(l => Probability(Best(l)))];

        int Best(int label)
        {
            int best = IndexOfHalf;
            for (int c = 0; c < NumCandidates; c++)
            {
                double score = Score(label, c), highest = Score(label, best);
                // Of several that are equally good the one nearest one half.
                if (score > highest || (score == highest && Math.Abs(c - IndexOfHalf) < Math.Abs(best - IndexOfHalf)))
                    best = c;
            }
            return best;
        }

        double Score(int label, int candidate)
        {
            double marked = positives[label] + above[label][candidate] + (share * (allPositives + allAbove[candidate]));
            return marked == 0 ? 0 : 2 * (correct[label][candidate] + (share * allCorrect[candidate])) / marked;
        }
    }

    private static int IndexOfHalf => NumCandidates / 2;

    // The last candidate that a number is above; -1 for none.
    private static int LastBelow(double logOdds) =>
        (int)Math.Clamp(Math.Ceiling((logOdds + MaxLogOdds) / (2 * MaxLogOdds) * (NumCandidates - 1)) - 1, -1, NumCandidates - 1);

    private static double Probability(int candidate)
    {
        double odds = (2 * MaxLogOdds * candidate / (NumCandidates - 1)) - MaxLogOdds;
        return candidate == IndexOfHalf ? ThresholdSelection.Half : 1 / (1 + Math.Exp(-odds));
    }
}
