namespace Maha.MLNet.MultiLabel;

// n documents, L labels

/// <summary>Metrics of predictions of several labels per document. <c>mlContext.MulticlassClassification.MahaEvaluateMultiLabel</c> computes them.</summary>
public sealed class MultiLabelMetrics
{
    private const int MaxRank = 10;

    private MultiLabelMetrics(IReadOnlyList<LabelMetrics> perLabel) => PerLabel = perLabel;

    /// <summary>The number of documents.</summary>
    public long NumberOfDocuments { get; private init; }

    /// <summary>The metrics of each label, in the order of the scores.</summary>
    public IReadOnlyList<LabelMetrics> PerLabel { get; }

    /// <summary>The F1 score of all decisions together, the harmonic mean of <see cref="MicroPrecision"/> and <see cref="MicroRecall"/>. Frequent labels dominate it.</summary>
    public double MicroF1 { get; private init; }

    /// <summary>The mean F1 score of the labels that some document has or is predicted to have. Rare labels count as much as frequent ones.</summary>
    public double MacroF1 { get; private init; }

    /// <summary>The fraction of the predicted labels that are correct; NaN where none is predicted.</summary>
    public double MicroPrecision { get; private init; }

    /// <summary>The fraction of the documents' labels that are predicted; NaN where no document has one.</summary>
    public double MicroRecall { get; private init; }

    /// <summary>The fraction of the documents whose predicted labels are exactly their labels.</summary>
    public double SubsetAccuracy { get; private init; }

    /// <summary>The fraction of the n L decisions that are wrong. Lower is better.</summary>
    public double HammingLoss { get; private init; }

    /// <summary>
    /// The mean, over the documents with labels and over the labels of each, of the fraction of the labels ranked at least as high that the document has: 1 where
    /// every document's labels have the highest scores. NaN where no document has a label.
    /// </summary>
    public double LabelRankingAveragePrecision { get; private init; }

    /// <summary>
    /// The precision of the k most probable labels, for k from 1 to 10 or to the number of labels: element k - 1 is the mean over the documents of the fraction
    /// of these labels that the document has.
    /// </summary>
    public IReadOnlyList<double> PrecisionAtK { get; private init; } = [];

    /// <summary>Computes the metrics of log odds and thresholds.</summary>
    internal static MultiLabelMetrics Create(
        IReadOnlyList<float[]> logOdds, double[] thresholds, IReadOnlyList<int[]> sets, IReadOnlyList<float>? weights, IReadOnlyList<string> names)
    {
        double[] limits = [.. thresholds.Select(probability => Math.Log(probability / (1 - probability)))];
        return Create(
            logOdds.Select((odds, i) => ((IReadOnlyList<float>)odds, odds.Select((z, l) => z > limits[l]).ToArray(), sets[i], (double)(weights?[i] ?? 1))), names);
    }

    /// <summary>Computes the metrics of predictions.</summary>
    /// <param name="documents">Of each document: the scores, [L]; whether each label is predicted, [L]; the labels that it has; and its weight.</param>
    /// <param name="names">The names of the labels.</param>
    internal static MultiLabelMetrics Create(
        IEnumerable<(IReadOnlyList<float> Scores, bool[] IsPredicted, int[] Labels, double Weight)> documents, IReadOnlyList<string> names)
    {
        int numLabels = names.Count;
        double[] truePositives = new double[numLabels], predicted = new double[numLabels], actual = new double[numLabels];
        double[] atRank = new double[Math.Min(MaxRank, numLabels)];
        double all = 0, exact = 0, wrong = 0, precision = 0, withLabels = 0;
        long count = 0;
        foreach (var (scores, isPredicted, labels, weight) in documents)
        {
            count++;
            all += weight;
            bool[] isLabel = new bool[numLabels];
            foreach (int label in labels)
                isLabel[label] = true;
            int mistakes = 0;
            for (int l = 0; l < numLabels; l++)
            {
                truePositives[l] += isPredicted[l] && isLabel[l] ? weight : 0;
                predicted[l] += isPredicted[l] ? weight : 0;
                actual[l] += isLabel[l] ? weight : 0;
                mistakes += isPredicted[l] != isLabel[l] ? 1 : 0;
            }
            exact += mistakes == 0 ? weight : 0;
            wrong += weight * mistakes / numLabels;
            int found = 0, rank = 0;
            foreach (int label in Enumerable.Range(0, numLabels).OrderByDescending(l => scores[l]).Take(atRank.Length))
            {
                found += isLabel[label] ? 1 : 0;
                rank++;
                atRank[rank - 1] += weight * found / rank;
            }
            if (labels.Length == 0)
                continue;
            withLabels += weight;
            precision += weight * labels.Average(label =>
                labels.Count(other => scores[other] >= scores[label]) / (double)scores.Count(score => score >= scores[label]));
        }
        double tp = truePositives.Sum();
        LabelMetrics[] perLabel = [.. names.Select((name, l) => new LabelMetrics(name, truePositives[l] / predicted[l], truePositives[l] / actual[l], F1(truePositives[l], predicted[l] + actual[l])))];
        return new MultiLabelMetrics(perLabel)
        {
            NumberOfDocuments = count,
            MicroF1 = F1(tp, predicted.Sum() + actual.Sum()),
            MacroF1 = perLabel.Where(label => !double.IsNaN(label.F1)).Select(label => label.F1).DefaultIfEmpty(double.NaN).Average(),
            MicroPrecision = tp / predicted.Sum(),
            MicroRecall = tp / actual.Sum(),
            SubsetAccuracy = exact / all,
            HammingLoss = wrong / all,
            LabelRankingAveragePrecision = precision / withLabels,
            PrecisionAtK = [.. atRank.Select(sum => sum / all)],
        };
    }

    // NaN where no document has the label or is predicted to have it.
    private static double F1(double truePositives, double marked) => 2 * truePositives / marked;
}

/// <summary>The metrics of one label.</summary>
/// <param name="Label">The label as text.</param>
/// <param name="Precision">The fraction of the documents predicted to have the label that have it; NaN where there are none.</param>
/// <param name="Recall">The fraction of the documents with the label that are predicted to have it; NaN where there are none.</param>
/// <param name="F1">The harmonic mean of both; NaN where no document has the label or is predicted to have it.</param>
public sealed record LabelMetrics(string Label, double Precision, double Recall, double F1);
