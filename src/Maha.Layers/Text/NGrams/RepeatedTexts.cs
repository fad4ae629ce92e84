namespace Maha.Layers.Text;

// n documents of a text, C classes, m smoothing

/// <summary>
/// The texts that several training documents have, and how often each class has them. With n_c of the n documents of a text in class c, its probability p_c
/// becomes (n_c + m p_c) / (n + m).
/// </summary>
/// <remarks>
/// <para>The linear models and the stack are weighted for texts that are not among the training documents. For a text that came several times, the labels of
/// its copies are better evidence.</para>
/// <para>m is fitted: each of these documents is predicted from its copies, smoothed by the share of its class. If that is no better than the share alone, as
/// with random labels, no text is kept.</para>
/// </remarks>
internal sealed class RepeatedTexts
{
    // About half a decade apart. Above the last value, copies hardly change a prediction.
    private static readonly double[] s_smoothings = [0.1, 0.3, 1, 3, 10, 30, 100, 300];

    // With at least this smoothing, the words of a text may be better evidence than its copies.
    private const double WeakSmoothing = 10;

    // The exponential of a smaller logit is 0, and its logarithm is not finite.
    private const double SmallestLogit = -700;

    private readonly Dictionary<ulong, int> _indices;

    /// <param name="smoothing">m, above 0.</param>
    /// <param name="hashes">The texts, see <see cref="NGramText.ContentHash"/>; all different.</param>
    /// <param name="ends">The end of each text's entries.</param>
    /// <param name="classes">The class of each entry.</param>
    /// <param name="counts">The number of documents of the class that have the text, weighted.</param>
    public RepeatedTexts(double smoothing, ulong[] hashes, int[] ends, int[] classes, float[] counts)
    {
        (Smoothing, Hashes, Ends, Classes, Counts) = (smoothing, hashes, ends, classes, counts);
        _indices = new Dictionary<ulong, int>(hashes.Length);
        for (int i = 0; i < hashes.Length; i++)
            _indices.Add(hashes[i], i);
    }

    /// <summary>An instance without any text.</summary>
    public static RepeatedTexts None { get; } = new(1, [], [], [], []);

    public double Smoothing { get; }

    /// <summary>Whether copies predict a document's class well. If so, documents must be scored by models that were not fitted to copies of them.</summary>
    public bool ArePredictive => Hashes.Length > 0 && Smoothing < WeakSmoothing;

    public ulong[] Hashes { get; }

    public int[] Ends { get; }

    public int[] Classes { get; }

    public float[] Counts { get; }

    /// <summary>Returns the logits of a document, [C], adjusted by the labels of its copies; the given logits if it has none.</summary>
    /// <param name="logits">The logits of the document, [C].</param>
    /// <param name="hash">The text of the document.</param>
    /// <param name="excluding">A training document that is not counted among the copies, so that it can be scored itself.</param>
    public double[] Adjust(double[] logits, ulong hash, (int Label, float Weight)? excluding = null)
    {
        if (!_indices.TryGetValue(hash, out int index))
            return logits;
        double max = logits.Max(), sum = logits.Sum(logit => Math.Exp(logit - max)), total = 0;
        double[] shares = [.. logits.Select(logit => Smoothing * Math.Exp(logit - max) / sum)];
        for (int entry = PackedLists.StartOf(Ends, index); entry < Ends[index]; entry++)
        {
            double count = Counts[entry] - (excluding is var (label, weight) && label == Classes[entry] ? weight : 0);
            shares[Classes[entry]] += count;
            total += count;
        }
        double prior = Math.Log(Smoothing / (total + Smoothing));
        return [.. shares.Select((share, c) => Math.Max(Math.Log(share / (total + Smoothing)), prior + Math.Max(logits[c] - max, SmallestLogit)))];
    }

    /// <summary>Returns how often each class has a text, [C].</summary>
    /// <param name="hash">The text.</param>
    /// <param name="numClasses">C.</param>
    public float[] CountsOf(ulong hash, int numClasses)
    {
        float[] counts = new float[numClasses];
        if (_indices.TryGetValue(hash, out int index))
        {
            for (int entry = PackedLists.StartOf(Ends, index); entry < Ends[index]; entry++)
                counts[Classes[entry]] += Counts[entry];
        }
        return counts;
    }

    /// <inheritdoc cref="Adjust(double[], ulong, ValueTuple{int, float}?)"/>
    public float[] Adjust(float[] logits, ulong hash, (int Label, float Weight)? excluding = null) => _indices.ContainsKey(hash)
        ? [.. Adjust([.. logits.Select(logit => (double)logit)], hash, excluding).Select(logit => (float)logit)]
        : logits;

    /// <summary>Finds the texts that at least two documents have, and fits the smoothing.</summary>
    /// <param name="hashes">The text of each document.</param>
    /// <param name="labels">The class of each document.</param>
    /// <param name="weights">The weight of each document; null for 1.</param>
    /// <param name="prior">The share of each class.</param>
    public static RepeatedTexts Fit(IReadOnlyList<ulong> hashes, IReadOnlyList<int> labels, IReadOnlyList<float>? weights, IReadOnlyList<double> prior)
    {
        ulong[] repeated = hashes.CountBy(hash => hash).Where(pair => pair.Value > 1).Select(pair => pair.Key).Order().ToArray();
        if (repeated.Length == 0)
            return None;
        var indices = repeated.Select((hash, index) => (hash, index)).ToDictionary(pair => pair.hash, pair => pair.index);
        var countsOfTexts = new SortedDictionary<int, (float Weight, int Count)>[repeated.Length];
        for (int row = 0; row < hashes.Count; row++)
        {
            if (!indices.TryGetValue(hashes[row], out int index))
                continue;
            var counts = countsOfTexts[index] ??= [];
            var (weight, count) = counts.GetValueOrDefault(labels[row]);
            counts[labels[row]] = (weight + (weights?[row] ?? 1), count + 1);
        }
        double lossOfPrior = countsOfTexts.Sum(counts => counts.Sum(pair => pair.Value.Weight * -Math.Log(prior[pair.Key])));
        if (FitSmoothing(countsOfTexts, prior, lossOfPrior) is not { } smoothing)
            return None;
        var entries = countsOfTexts.SelectMany(counts => counts).ToList();
        int end = 0;
        int[] ends = [.. countsOfTexts.Select(counts => end += counts.Count)];
        return new RepeatedTexts(smoothing, repeated, ends, [.. entries.Select(entry => entry.Key)], [.. entries.Select(entry => entry.Value.Weight)]);
    }

    // The smoothing with the smallest leave-one-out log loss; null if none has a smaller loss than the shares of the classes.
    private static double? FitSmoothing(SortedDictionary<int, (float Weight, int Count)>[] countsOfTexts, IReadOnlyList<double> prior, double lossOfPrior)
    {
        double best = lossOfPrior;
        double? smoothing = null;
        foreach (double m in s_smoothings)
        {
            double loss = 0;
            foreach (var counts in countsOfTexts)
            {
                double total = counts.Values.Sum(pair => (double)pair.Weight);
                foreach (var (label, (weight, count)) in counts)
                {
                    double own = (double)weight / count;
                    loss -= weight * Math.Log((Math.Max(0, weight - own) + m * prior[label]) / (total - own + m));
                }
            }
            if (loss < best)
                (best, smoothing) = (loss, m);
        }
        return smoothing;
    }
}
