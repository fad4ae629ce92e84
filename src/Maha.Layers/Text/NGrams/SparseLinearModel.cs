namespace Maha.Layers.Text;

// n documents, V n-grams, C classes

/// <summary>A linear score of each class, z_c = sum_f x_f w_fc, where an n-gram has weights only for the classes whose documents have it.</summary>
/// <remarks>
/// <para>With many classes, most n-grams occur in few of them. The other weights are 0 and are not stored, so that time and memory grow with the n-grams of the
/// documents, not with V times C.</para>
/// <para>The model is fitted as a softmax regression by stochastic gradient descent. Its offsets are the logarithms of the classes' shares; the small number of
/// passes regularizes it. The classes without a weight for any n-gram of a document are one term of its softmax.</para>
/// </remarks>
internal sealed class SparseLinearModel
{
    // A word of many classes says little of each of them, and its weights would take most of the time.
    private const int MaxClassesOfFeature = 64;
    private const int MaxWeights = 1 << 25;

    private const int Passes = 12;
    private const double FirstStep = 4;
    private const double LastStep = 0.4;
    private const int DocumentsPerCheck = 256;

    // Larger weights make steps of several times the length of a vector, which do not converge.
    private const double MaxDocumentWeight = 2;

    /// <param name="ends">The end of each n-gram's weights, [V].</param>
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
            for (int w = PackedLists.StartOf(Ends, feature); w < Ends[feature]; w++)
                scores.Add(Classes[w], vector.Values[i] * Weights[w]);
        }
    }

    /// <summary>Fits a model.</summary>
    /// <param name="vectors">The vector of each document.</param>
    /// <param name="labels">The class of each document.</param>
    /// <param name="documentWeights">The weight of each document; null for 1.</param>
    /// <param name="members">The documents to fit to.</param>
    /// <param name="numFeatures">V.</param>
    /// <param name="prior">The share of each class, [C].</param>
    /// <param name="seed">The seed of the order of the documents.</param>
    /// <param name="cancellationToken">Checked every few documents.</param>
    public static SparseLinearModel Fit(
        Func<int, SparseVector> vectors, IReadOnlyList<int> labels, IReadOnlyList<float>? documentWeights, IReadOnlyList<int> members,
        int numFeatures, double[] prior, int seed, CancellationToken cancellationToken)
    {
        var model = CreateSupport(vectors, labels, members, numFeatures, cancellationToken);
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
                    for (int w = PackedLists.StartOf(model.Ends, feature); w < model.Ends[feature]; w++)
                        model.Weights[w] += vector.Values[i] * changes[model.Classes[w]];
                }
            }
        }
        HalfPrecision.Round(model.Weights);
        return model;
    }

    // A model of zeros: for each n-gram, the classes whose documents have it, or those that have most of it if they are too many.
    private static SparseLinearModel CreateSupport(
        Func<int, SparseVector> vectors, IReadOnlyList<int> labels, IReadOnlyList<int> members, int numFeatures, CancellationToken cancellationToken)
    {
        int most = Math.Clamp(MaxWeights / Math.Max(1, numFeatures), 8, MaxClassesOfFeature);
        var sumsOfFeatures = new Dictionary<int, float>?[numFeatures];
        for (int place = 0; place < members.Count; place++)
        {
            if (place % DocumentsPerCheck == 0)
                cancellationToken.ThrowIfCancellationRequested();
            int row = members[place];
            var vector = vectors(row);
            for (int i = 0; i < vector.Indices.Length; i++)
            {
                var sums = sumsOfFeatures[vector.Indices[i]] ??= [];
                sums[labels[row]] = sums.GetValueOrDefault(labels[row]) + vector.Values[i];
            }
        }
        int[] ends = new int[numFeatures];
        var classes = new List<int>();
        for (int f = 0; f < numFeatures; f++)
        {
            if (sumsOfFeatures[f] is { } sums)
                classes.AddRange(sums.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key).Take(most).Select(pair => pair.Key).Order());
            ends[f] = classes.Count;
        }
        return new SparseLinearModel(ends, [.. classes], new float[classes.Count]);
    }
}
