namespace Maha.Layers.Text;

// n documents of a text, C classes, m smoothing

/// <summary>
/// The texts that several training documents have, and how often each class has them: the longest n-gram is the whole text. With n_c of n documents of the class c,
/// p_c becomes (n_c + m p_c) / (n + m).
/// </summary>
/// <remarks>
/// <para>A stack answers for texts that nobody has seen. Of a text that came many times more is known: that it will come again, and as what.</para>
/// <para>m is fitted: each of these documents is predicted by its copies, backed off to the share of its class. Where copies tell nothing, as among labels without any reason,
/// no text is kept.</para>
/// </remarks>
internal sealed class KnownTexts
{
    // About half a decade apart. Under more than the last, the copies say next to nothing.
    private static readonly double[] s_smoothings = [0.1, 0.3, 1, 3, 10, 30, 100, 300];

    // Copies that weigh less than so many documents of the prior tell less of a text than its words may.
    private const double WeakSmoothing = 10;

    private readonly Dictionary<ulong, int> _places;

    /// <param name="smoothing">m, above 0.</param>
    /// <param name="contents">The texts, see <see cref="NGramText.Content"/>; all different.</param>
    /// <param name="ends">The end of each text's entries.</param>
    /// <param name="classes">The class of each entry.</param>
    /// <param name="counts">How many documents of the class have the text.</param>
    public KnownTexts(double smoothing, ulong[] contents, int[] ends, int[] classes, float[] counts)
    {
        (Smoothing, Contents, Ends, Classes, Counts) = (smoothing, contents, ends, classes, counts);
        _places = new Dictionary<ulong, int>(contents.Length);
        for (int i = 0; i < contents.Length; i++)
            _places.Add(contents[i], i);
    }

    /// <summary>No text.</summary>
    public static KnownTexts None { get; } = new(1, [], [], [], []);

    public double Smoothing { get; }

    /// <summary>Whether a copy tells much of a text: then documents are judged by models that have seen no copy of them.</summary>
    public bool CopiesTell => Contents.Length > 0 && Smoothing < WeakSmoothing;

    public ulong[] Contents { get; }

    public int[] Ends { get; }

    public int[] Classes { get; }

    public float[] Counts { get; }

    /// <summary>The logits of a document, [C], with what is known of its text.</summary>
    /// <param name="logits">The logits without it.</param>
    /// <param name="content">The text.</param>
    /// <param name="without">A document that is left out of what is known, so that it can be judged.</param>
    public double[] Recall(double[] logits, ulong content, (int Label, float Weight)? without = null)
    {
        if (!_places.TryGetValue(content, out int place))
            return logits;
        double max = logits.Max(), sum = logits.Sum(logit => Math.Exp(logit - max)), total = 0;
        double[] shares = [.. logits.Select(logit => Smoothing * Math.Exp(logit - max) / sum)];
        for (int entry = place == 0 ? 0 : Ends[place - 1]; entry < Ends[place]; entry++)
        {
            double count = Counts[entry] - (without is var (label, weight) && label == Classes[entry] ? weight : 0);
            shares[Classes[entry]] += count;
            total += count;
        }
        // The exponential of a very small logit is 0, whose logarithm would not be a number to reckon with.
        return [.. shares.Select((share, c) => Math.Max(Math.Log(share / (total + Smoothing)), Math.Log(Smoothing / (total + Smoothing)) + Math.Max(logits[c] - max, -700)))];
    }

    /// <inheritdoc cref="Recall(double[], ulong, ValueTuple{int, float}?)"/>
    public float[] Recall(float[] logits, ulong content, (int Label, float Weight)? without = null)
        => _places.ContainsKey(content) ? [.. Recall([.. logits.Select(logit => (double)logit)], content, without).Select(logit => (float)logit)] : logits;

    /// <summary>Learns the texts of at least two documents.</summary>
    /// <param name="contents">The text of each document.</param>
    /// <param name="labels">Its class.</param>
    /// <param name="weights">How much it counts; null for 1.</param>
    /// <param name="prior">The share of each class.</param>
    public static KnownTexts Fit(IReadOnlyList<ulong> contents, IReadOnlyList<int> labels, IReadOnlyList<float>? weights, IReadOnlyList<double> prior)
    {
        ulong[] several = contents.CountBy(content => content).Where(pair => pair.Value > 1).Select(pair => pair.Key).Order().ToArray();
        if (several.Length == 0)
            return None;
        var places = several.Select((content, place) => (content, place)).ToDictionary(pair => pair.content, pair => pair.place);
        var ofText = new SortedDictionary<int, (float Weight, int Count)>[several.Length];
        for (int row = 0; row < contents.Count; row++)
        {
            if (!places.TryGetValue(contents[row], out int place))
                continue;
            var counts = ofText[place] ??= [];
            var (weight, count) = counts.GetValueOrDefault(labels[row]);
            counts[labels[row]] = (weight + (weights?[row] ?? 1), count + 1);
        }
        double best = ofText.Sum(counts => counts.Sum(pair => pair.Value.Weight * -Math.Log(prior[pair.Key]))), smoothing = double.PositiveInfinity;
        foreach (double m in s_smoothings)
        {
            double loss = 0;
            foreach (var counts in ofText)
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
        if (double.IsInfinity(smoothing))
            return None;
        var entries = ofText.SelectMany(counts => counts).ToList();
        int end = 0;
        return new KnownTexts(smoothing, several, [.. ofText.Select(counts => end += counts.Count)], [.. entries.Select(entry => entry.Key)], [.. entries.Select(entry => entry.Value.Weight)]);
    }
}
