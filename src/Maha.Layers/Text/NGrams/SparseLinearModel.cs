namespace Maha.Layers.Text;

// n documents, V n-grams, C classes

/// <summary>A linear score for every class that has weights only for the classes of each n-gram: z_c = sum_f x_f w_fc.</summary>
/// <remarks>
/// <para>With many classes most n-grams occur in few of them. The others have the weight 0, so that time and memory follow what the documents hold, not their number times that of the classes.</para>
/// <para>Fitted as a softmax regression whose offsets are the logarithms of the classes' shares, by stochastic gradient steps; the few passes are the regularization. Classes without
/// a weight for any n-gram of a document enter its softmax together.</para>
/// </remarks>
internal sealed class SparseLinearModel
{
    // What a word that every class has says of a class is little; its weights would be most of the time.
    private const int MaxClassesOfFeature = 64;
    private const int MaxWeights = 1 << 25;

    private const int Passes = 12;
    private const double FirstStep = 4;
    private const double LastStep = 0.4;
    private const int DocumentsPerCheck = 256;

    // A step of several times the length of a vector does not settle.
    private const double MaxDocumentWeight = 2;

    /// <param name="ends">[V], the end of each n-gram's weights.</param>
    /// <param name="classes">The class of each weight.</param>
    /// <param name="weights">The weights.</param>
    public SparseLinearModel(int[] ends, int[] classes, float[] weights) => (Ends, Classes, Weights) = (ends, classes, weights);

    public int[] Ends { get; }

    public int[] Classes { get; }

    public float[] Weights { get; }

    /// <summary>Adds the scores of a vector.</summary>
    public void Score(SparseVector vector, SparseScores scores)
    {
        for (int i = 0; i < vector.Indices.Length; i++)
        {
            int feature = vector.Indices[i];
            for (int w = feature == 0 ? 0 : Ends[feature - 1]; w < Ends[feature]; w++)
                scores.Add(Classes[w], vector.Values[i] * Weights[w]);
        }
    }

    /// <summary>Rounds every weight to half precision, in which it is saved.</summary>
    public void Round()
    {
        foreach (ref float weight in Weights.AsSpan())
            weight = (float)(Half)weight;
    }

    /// <summary>Fits.</summary>
    /// <param name="vectors">The documents' vectors.</param>
    /// <param name="labels">Their classes.</param>
    /// <param name="documentWeights">How much each counts; null for 1.</param>
    /// <param name="members">Which of them to learn from.</param>
    /// <param name="numFeatures">V.</param>
    /// <param name="prior">The share of each class, [C].</param>
    /// <param name="seed">Of the order of the documents.</param>
    /// <param name="cancellationToken">Looked for every few documents.</param>
    public static SparseLinearModel Fit(Func<int, SparseVector> vectors, IReadOnlyList<int> labels, IReadOnlyList<float>? documentWeights, IReadOnlyList<int> members,
        int numFeatures, double[] prior, int seed, CancellationToken cancellationToken)
    {
        var model = Support(vectors, labels, members, numFeatures, cancellationToken);
        var scores = new SparseScores(prior.Length);
        var random = new Random(seed);
        int[] order = [.. members];
        float[] changes = new float[prior.Length];
        for (int pass = 0; pass < Passes; pass++)
        {
            random.Shuffle(order);
            double step = FirstStep + (LastStep - FirstStep) * pass / (Passes - 1);
            for (int place = 0; place < order.Length; place++)
            {
                if (place % DocumentsPerCheck == 0)
                    cancellationToken.ThrowIfCancellationRequested();
                int row = order[place], label = labels[row];
                var vector = vectors(row);
                scores.Clear();
                model.Score(vector, scores);
                double max = 0, rest = 1, sum = 0;
                foreach (int c in scores.Touched)
                    max = Math.Max(max, scores[c]);
                foreach (int c in scores.Touched)
                {
                    double part = prior[c] * Math.Exp(scores[c] - max);
                    rest -= prior[c];
                    sum += part;
                    changes[c] = (float)part;
                }
                sum += Math.Max(rest, 0) * Math.Exp(-max);
                double scale = -step * Math.Min(MaxDocumentWeight, documentWeights?[row] ?? 1);
                foreach (int c in scores.Touched)
                    changes[c] = (float)(scale * (changes[c] / sum - (c == label ? 1 : 0)));
                for (int i = 0; i < vector.Indices.Length; i++)
                {
                    int feature = vector.Indices[i];
                    for (int w = feature == 0 ? 0 : model.Ends[feature - 1]; w < model.Ends[feature]; w++)
                        model.Weights[w] += vector.Values[i] * changes[model.Classes[w]];
                }
            }
        }
        model.Round();
        return model;
    }

    // Every n-gram with the classes whose documents have it; those that have most of it, where they are too many.
    private static SparseLinearModel Support(Func<int, SparseVector> vectors, IReadOnlyList<int> labels, IReadOnlyList<int> members, int numFeatures, CancellationToken cancellationToken)
    {
        int most = Math.Clamp(MaxWeights / Math.Max(1, numFeatures), 8, MaxClassesOfFeature);
        var ofFeature = new Dictionary<int, float>?[numFeatures];
        for (int place = 0; place < members.Count; place++)
        {
            if (place % DocumentsPerCheck == 0)
                cancellationToken.ThrowIfCancellationRequested();
            int row = members[place];
            var vector = vectors(row);
            for (int i = 0; i < vector.Indices.Length; i++)
            {
                var sums = ofFeature[vector.Indices[i]] ??= [];
                sums[labels[row]] = sums.GetValueOrDefault(labels[row]) + vector.Values[i];
            }
        }
        int[] ends = new int[numFeatures];
        var classes = new List<int>();
        for (int f = 0; f < numFeatures; f++)
        {
            if (ofFeature[f] is { } sums)
                classes.AddRange(sums.Count <= most ? sums.Keys.Order() : sums.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key).Take(most).Select(pair => pair.Key).Order());
            ends[f] = classes.Count;
        }
        return new SparseLinearModel(ends, [.. classes], new float[classes.Count]);
    }
}

/// <summary>A number for some of C classes; the others have 0.</summary>
internal sealed class SparseScores(int numClasses)
{
    private readonly float[] _scores = new float[numClasses];
    private readonly bool[] _isTouched = new bool[numClasses];
    private readonly List<int> _touched = [];

    /// <summary>The classes that have a number.</summary>
    public List<int> Touched => _touched;

    public float this[int index] => _scores[index];

    public void Add(int index, float score)
    {
        if (!_isTouched[index])
        {
            _isTouched[index] = true;
            _touched.Add(index);
        }
        _scores[index] += score;
    }

    public void Clear()
    {
        foreach (int index in _touched)
            (_scores[index], _isTouched[index]) = (0, false);
        _touched.Clear();
    }
}

/// <summary>Sparse linear models of the document, its beginning and its ending: z = ln prior + sum_k slope_k z_k.</summary>
/// <param name="views">Of the document alone, or also of its beginning and of its ending.</param>
/// <param name="logPrior">[C].</param>
/// <param name="slopes">What each view counts.</param>
internal sealed class SparseScorer(IReadOnlyList<SparseLinearModel> views, double[] logPrior, double[] slopes) : NGramScorer
{
    /// <summary>The views of documents that are longer than a beginning.</summary>
    public const int MaxViews = 3;

    private readonly ThreadLocal<SparseScores> _scores = new(() => new SparseScores(logPrior.Length));

    public override int NumClasses => logPrior.Length;

    public IReadOnlyList<SparseLinearModel> Views => views;

    public double[] LogPrior => logPrior;

    public double[] Slopes => slopes;

    public override double[] Logits(NGramVocabulary vocabulary, IndexedText text)
    {
        double[] logits = [.. logPrior];
        var scores = _scores.Value!;
        for (int view = 0; view < views.Count; view++)
        {
            scores.Clear();
            views[view].Score(Vector(vocabulary, text, view), scores);
            foreach (int c in scores.Touched)
                logits[c] += slopes[view] * scores[c];
        }
        return logits;
    }

    /// <summary>What a view reads of a document.</summary>
    public static SparseVector Vector(NGramVocabulary vocabulary, IndexedText text, int view) => view switch
    {
        0 => vocabulary.Vector(text, 0, text.Tokens.Length),
        1 => LinearParts.Beginning(vocabulary, text),
        _ => LinearParts.Ending(vocabulary, text),
    };
}
