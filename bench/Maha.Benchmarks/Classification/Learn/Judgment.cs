namespace Maha.Benchmarks.Classification;

/// <summary>The number of documents of a class: labeled, predicted, and predicted correctly.</summary>
internal sealed record ClassCount(long Labeled, long Predicted, long Right);

/// <summary>The metrics of a set of predictions, kept as sums so that those of several folds can be added.</summary>
internal sealed record Judgment
{
    /// <summary>The bins of confidence of the calibration error, all of one width.</summary>
    public const int NumBins = 15;

    // As in ML.NET's evaluator: a probability of 0 for the right class counts as 1e-15.
    private const double SmallestProbability = 1e-15;

    public long Count { get; init; }

    public long Right { get; init; }

    /// <summary>The number of documents with many words, and how many of them are right.</summary>
    public long LongCount { get; init; }

    public long LongRight { get; init; }

    /// <summary>The sum of -ln p(label).</summary>
    public double LogLossSum { get; init; }

    /// <summary>For each bin: predictions, the sum of their confidence, and the right ones.</summary>
    public IReadOnlyList<double[]> Bins { get; init; } = [];

    public IReadOnlyDictionary<string, ClassCount> Classes { get; init; } = new Dictionary<string, ClassCount>();

    /// <summary>The time of the trainings.</summary>
    public double Seconds { get; init; }

    /// <summary>The time of the predictions.</summary>
    public double PredictSeconds { get; init; }

    /// <summary>The most memory of the process in any training, in MiB; NaN where the system does not report it.</summary>
    public double PeakMegabytes { get; init; }

    public double Accuracy => (double)Right / Count;

    public double LongAccuracy => (double)LongRight / LongCount;

    public double LogLoss => LogLossSum / Count;

    /// <summary>The mean of 2 right / (labeled + predicted) over the classes that are the label or the prediction of any document.</summary>
    public double MacroF1 => Classes.Values.Average(count => 2.0 * count.Right / (count.Labeled + count.Predicted));

    /// <summary>The mean distance between confidence and accuracy over the bins, weighted by their predictions (Naeini and others 2015).</summary>
    public double CalibrationError => Bins.Sum(bin => Math.Abs(bin[1] - bin[2])) / Count;

    /// <summary>Adds up predictions.</summary>
    /// <param name="documents">The documents that were predicted.</param>
    /// <param name="labels">The classes of the probabilities; a document of another class is never right.</param>
    /// <param name="predictions">For each document the predicted class and the probabilities of the classes.</param>
    /// <param name="longWords">A document of more words is long.</param>
    public static Judgment Evaluate(IReadOnlyList<LabeledDocument> documents, IReadOnlyList<string> labels,
        IEnumerable<(string Label, float[] Probabilities)> predictions, int longWords)
    {
        var indices = labels.Select((label, index) => (label, index)).ToDictionary(pair => pair.label, pair => pair.index);
        var classes = new Dictionary<string, ClassCount>();
        double[][] bins = [.. Enumerable.Range(0, NumBins).Select(_ => new double[3])];
        long count = 0, right = 0, longCount = 0, longRight = 0;
        double logLoss = 0;
        foreach (var (predicted, probabilities) in predictions)
        {
            var document = documents[(int)count++];
            bool isRight = predicted == document.Label;
            right += isRight ? 1 : 0;
            if (document.HasMoreWordsThan(longWords))
            {
                longCount++;
                longRight += isRight ? 1 : 0;
            }
            double ofLabel = indices.TryGetValue(document.Label, out int index) ? probabilities[index] : 0;
            logLoss -= Math.Log(Math.Clamp(ofLabel, SmallestProbability, 1));
            double confidence = probabilities[indices[predicted]];
            double[] bin = bins[Math.Clamp((int)(confidence * NumBins), 0, NumBins - 1)];
            bin[0]++;
            bin[1] += confidence;
            bin[2] += isRight ? 1 : 0;
            Add(classes, document.Label, new ClassCount(1, 0, isRight ? 1 : 0));
            Add(classes, predicted, new ClassCount(0, 1, 0));
        }
        if (count != documents.Count)
            throw new InvalidOperationException($"There must be a prediction for each of {documents.Count} documents, but there are {count}.");
        return new Judgment
        {
            Count = count,
            Right = right,
            LongCount = longCount,
            LongRight = longRight,
            LogLossSum = logLoss,
            Bins = bins,
            Classes = classes,
        };
    }

    /// <summary>The judgment of all folds; the time is that of one training, on average.</summary>
    public static Judgment Sum(IReadOnlyList<Judgment> parts)
    {
        var classes = new Dictionary<string, ClassCount>();
        foreach (var (label, count) in parts.SelectMany(part => part.Classes))
            Add(classes, label, count);
        return new Judgment
        {
            Count = parts.Sum(part => part.Count),
            Right = parts.Sum(part => part.Right),
            LongCount = parts.Sum(part => part.LongCount),
            LongRight = parts.Sum(part => part.LongRight),
            LogLossSum = parts.Sum(part => part.LogLossSum),
            Bins = [.. Enumerable.Range(0, NumBins)
                .Select(bin => new[] { parts.Sum(part => part.Bins[bin][0]), parts.Sum(part => part.Bins[bin][1]), parts.Sum(part => part.Bins[bin][2]) })],
            Classes = classes,
            Seconds = parts.Average(part => part.Seconds),
            PredictSeconds = parts.Average(part => part.PredictSeconds),
            PeakMegabytes = parts.Max(part => part.PeakMegabytes),
        };
    }

    private static void Add(Dictionary<string, ClassCount> classes, string label, ClassCount more)
    {
        var before = classes.GetValueOrDefault(label, new ClassCount(0, 0, 0));
        classes[label] = new ClassCount(before.Labeled + more.Labeled, before.Predicted + more.Predicted, before.Right + more.Right);
    }
}
