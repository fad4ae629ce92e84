namespace Maha.Report.Content;

/// <summary>Metrics of predictions.</summary>
internal sealed class Metrics
{
    private const double SmallestProbability = 1e-7;

    /// <summary>Computes the metrics.</summary>
    /// <param name="rows">The predictions, at least one.</param>
    /// <param name="numLabels">The number of labels.</param>
    public Metrics(IReadOnlyList<JudgedRow> rows, int numLabels)
    {
        Confusion = new int[numLabels, numLabels];
        foreach (var row in rows)
            Confusion[row.Label, row.Predicted]++;
        Accuracy = Share(rows, row => row.IsRight);
        LogLoss = rows.Average(row => -Math.Log(Math.Max(SmallestProbability, row.OfLabel)));
        Labels = [.. Enumerable.Range(0, numLabels).Select(OfLabel)];
        MacroF1 = Labels.Where(label => label.Documents > 0).Average(label => label.F1);
        Bins = [.. Reliability(rows)];
        CalibrationError = Bins.Sum(bin => bin.Documents * Math.Abs(bin.Accuracy - bin.Confidence)) / rows.Count;
    }

    /// <summary>The share of right predictions.</summary>
    public double Accuracy { get; }

    /// <summary>The mean of the labels' F1, over labels with documents.</summary>
    public double MacroF1 { get; }

    /// <summary>The mean of -ln p of the right label, in nats.</summary>
    public double LogLoss { get; }

    /// <summary>The expected calibration error over <see cref="Bins"/>.</summary>
    public double CalibrationError { get; }

    /// <summary>The number of documents by label and predicted label.</summary>
    public int[,] Confusion { get; }

    /// <summary>The metrics of each label.</summary>
    public IReadOnlyList<LabelMetrics> Labels { get; }

    /// <summary>The documents by their confidence, in tenths; empty ones are left out.</summary>
    public IReadOnlyList<ReliabilityBin> Bins { get; }

    /// <summary>
    /// Returns the accuracy of the documents that are answered if only those with at least some confidence are, from the highest confidence to the lowest: one
    /// point per confidence.
    /// </summary>
    public static IReadOnlyList<CoveragePoint> Coverage(IReadOnlyList<JudgedRow> rows)
    {
        var points = new List<CoveragePoint>();
        int answered = 0, right = 0;
        foreach (var group in rows.GroupBy(row => row.Confidence).OrderByDescending(group => group.Key))
        {
            answered += group.Count();
            right += group.Count(row => row.IsRight);
            points.Add(new(group.Key, (double)answered / rows.Count, (double)right / answered));
        }
        return points;
    }

    /// <summary>Divides the documents into groups of about equal size by their length.</summary>
    /// <param name="rows">The predictions.</param>
    /// <param name="groups">The most groups.</param>
    public static IReadOnlyList<LengthGroup> ByLength(IReadOnlyList<JudgedRow> rows, int groups)
    {
        JudgedRow[] sorted = [.. rows.OrderBy(row => row.Words)];
        var result = new List<LengthGroup>();
        for (int start = 0, group = 0; start < sorted.Length; group++)
        {
            int end = Math.Max(start + 1, (int)((long)sorted.Length * (group + 1) / groups));
            // Documents of one length are in one group.
            while (end < sorted.Length && sorted[end].Words == sorted[end - 1].Words)
                end++;
            var members = sorted[start..end];
            int right = members.Count(row => row.IsRight);
            var (low, high) = Wilson(right, members.Length);
            result.Add(new(members[0].Words, members[^1].Words, members.Length, (double)right / members.Length, low, high));
            start = end;
        }
        return result;
    }

    // The interval in which a share lies with 95%, given what was observed (Wilson 1927).
    private static (double Low, double High) Wilson(int right, int count)
    {
        const double z = 1.96;
        double share = (double)right / count, scale = 1 + (z * z / count);
        double center = (share + (z * z / (2 * count))) / scale;
        double half = z * Math.Sqrt((share * (1 - share) / count) + (z * z / (4.0 * count * count))) / scale;
        return (center - half, center + half);
    }

    private static IEnumerable<ReliabilityBin> Reliability(IReadOnlyList<JudgedRow> rows)
    {
        const int bins = 10;
        foreach (var bin in rows.GroupBy(row => Math.Min(bins - 1, (int)(row.Confidence * bins))).OrderBy(bin => bin.Key))
            yield return new(bin.Average(row => row.Confidence), Share([.. bin], row => row.IsRight), bin.Count());
    }

    private LabelMetrics OfLabel(int label)
    {
        int count = Confusion.GetLength(0), documents = 0, predicted = 0, right = Confusion[label, label];
        for (int other = 0; other < count; other++)
        {
            documents += Confusion[label, other];
            predicted += Confusion[other, label];
        }
        return new(documents, Ratio(right, predicted), Ratio(right, documents), Ratio(2.0 * right, documents + predicted));
    }

    private static double Ratio(double part, double whole) => whole == 0 ? 0 : part / whole;

    private static double Share(IReadOnlyList<JudgedRow> rows, Func<JudgedRow, bool> test) => (double)rows.Count(test) / rows.Count;
}

/// <summary>The metrics of a label.</summary>
internal readonly record struct LabelMetrics(int Documents, double Precision, double Recall, double F1);

/// <summary>The documents of about one confidence.</summary>
internal readonly record struct ReliabilityBin(double Confidence, double Accuracy, int Documents);

/// <summary>What is answered with at least some confidence.</summary>
/// <param name="Confidence">The threshold.</param>
/// <param name="Coverage">The share of the documents that are answered.</param>
/// <param name="Accuracy">The share of these that are right.</param>
internal readonly record struct CoveragePoint(double Confidence, double Coverage, double Accuracy);

/// <summary>The documents of about one length, in words.</summary>
internal readonly record struct LengthGroup(int Shortest, int Longest, int Documents, double Accuracy, double Low, double High);
