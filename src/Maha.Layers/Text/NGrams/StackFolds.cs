namespace Maha.Layers.Text;

// n documents, K folds

/// <summary>Cross-validation folds: the documents of a fold are scored by models that are fitted to the documents of the other folds.</summary>
/// <remarks>
/// <para>Copies of a text are in one fold, since a stack must be weighted for new texts. If that would put all documents of a class into one fold, they are
/// spread over all folds: models without a document of the class would score it low everywhere, and the stack would learn the opposite of what they say.</para>
/// <para>Without the documents of a fold, their classes have too small a share of the rest, and a document without known words would be scored as any class but
/// its own. So the remaining documents of a class are weighted to count as much as the whole class.</para>
/// </remarks>
internal sealed class StackFolds
{
    /// <summary>The number of documents that a stack needs. More do not improve it, and scoring them takes most of the time.</summary>
    public const int EnoughDocuments = 20_000;

    /// <summary>The number of documents that a few slopes need.</summary>
    public const int EnoughForSlopes = 4_000;

    private const int MaxFolds = 5;
    private const int FewDocuments = 10;

    private readonly IReadOnlyList<int> _labels;
    private readonly IReadOnlyList<float>? _weights;

    private StackFolds(int[] folds, int count, IReadOnlyList<int> labels, IReadOnlyList<ulong> contents, IReadOnlyList<float>? weights)
    {
        (Folds, Count, _labels, _weights) = (folds, count, labels, weights);
        var foldsOfClass = labels.Zip(folds).GroupBy(pair => pair.First)
            .ToDictionary(group => group.Key, group => group.Select(pair => pair.Second).Distinct().Count());
        Scored = [.. Enumerable.Range(0, folds.Length).Where(row => folds[row] >= 0 && foldsOfClass[labels[row]] > 1)];
        ScoredWeights = new double[folds.Length];
        var copies = new Dictionary<(int, ulong), int>();
        foreach (int row in Scored)
            copies[(labels[row], contents[row])] = copies.GetValueOrDefault((labels[row], contents[row])) + 1;
        // For new texts, the copies of a text are no more evidence than one of them.
        foreach (int row in Scored)
            ScoredWeights[row] = (double)(weights?[row] ?? 1) / copies[(labels[row], contents[row])];
    }

    /// <summary>The fold of each document, from 0; -1 for documents that are not scored.</summary>
    public int[] Folds { get; }

    /// <summary>K, the number of folds.</summary>
    public int Count { get; }

    /// <summary>The documents that are scored: those whose class is also in another fold.</summary>
    public int[] Scored { get; }

    /// <summary>The weight of each scored document in the fit of the stack.</summary>
    public double[] ScoredWeights { get; }

    /// <summary>Chooses the folds. Each class has the same share of every fold.</summary>
    /// <param name="contents">The text of each document, see <see cref="NGramText.ContentHash"/>.</param>
    /// <param name="labels">The class of each document.</param>
    /// <param name="weights">The weight of each document; null for 1.</param>
    /// <param name="validating">The documents that must be scored.</param>
    /// <param name="seed">The seed of the choice.</param>
    /// <param name="enough">About how many documents are scored if there are several times as many.</param>
    public static StackFolds Choose(IReadOnlyList<ulong> contents, IReadOnlyList<int> labels, IReadOnlyList<float>? weights, IReadOnlyList<int> validating,
        int seed, int enough = EnoughDocuments)
    {
        int rows = contents.Count;
        int[] order = [.. Enumerable.Range(0, rows)];
        new Random(seed).Shuffle(order);
        // With very many documents, one fold is scored; the validation documents are put there first.
        bool hasOneFold = rows > MaxFolds / 2.0 * enough;
        int count = hasOneFold ? rows / enough : rows < FewDocuments ? 2 : MaxFolds;
        if (hasOneFold)
        {
            var first = new HashSet<int>(validating);
            order = [.. order.Where(first.Contains), .. order.Where(row => !first.Contains(row))];
        }
        int[] folds = new int[rows];
        var ofContent = new Dictionary<ulong, int>();
        // Each class starts at another fold, so that many small classes fill the folds evenly.
        var next = new Dictionary<int, int>();
        var foldsOfClass = new Dictionary<int, (int Fold, bool IsMany)>();
        int Next(int label)
        {
            int place = next.GetValueOrDefault(label, label);
            next[label] = place + 1;
            return place % count;
        }
        int placed = 0;
        foreach (int row in order)
        {
            if (!ofContent.TryGetValue(contents[row], out int fold))
                ofContent.Add(contents[row], fold = hasOneFold && placed++ < validating.Count ? 0 : Next(labels[row]));
            folds[row] = fold;
            bool isNewClass = !foldsOfClass.TryGetValue(labels[row], out var before);
            foldsOfClass[labels[row]] = isNewClass ? (fold, false) : (before.Fold, before.IsMany || before.Fold != fold);
        }
        foreach (int row in order)
        {
            if (!foldsOfClass[labels[row]].IsMany)
                folds[row] = Next(labels[row]);
        }

        return hasOneFold
            ? new StackFolds([.. folds.Select(fold => fold == 0 ? 0 : -1)], 1, labels, contents, weights)
            : new StackFolds(folds, count, labels, contents, weights);
    }

    /// <summary>Returns the scored documents of a fold.</summary>
    public int[] ScoredIn(int fold) => [.. Scored.Where(row => Folds[row] == fold)];

    /// <summary>Returns the documents that the models of a fold are fitted to: those of all other folds.</summary>
    /// <returns>The documents, and the weight of each document of all folds.</returns>
    public (int[] Members, float[] Weights) TrainingSetOf(int fold)
    {
        int[] members = [.. Enumerable.Range(0, Folds.Length).Where(row => Folds[row] != fold)];
        double[] whole = new double[_labels.Max() + 1], left = new double[whole.Length];
        for (int row = 0; row < Folds.Length; row++)
        {
            double weight = _weights?[row] ?? 1;
            whole[_labels[row]] += weight;
            if (Folds[row] != fold)
                left[_labels[row]] += weight;
        }
        double wholeOfLeft = whole.Zip(left).Sum(pair => pair.Second > 0 ? pair.First : 0), size = left.Sum() / Math.Max(wholeOfLeft, double.Epsilon);
        float[] weights = new float[Folds.Length];
        foreach (int row in members)
            weights[row] = (float)((_weights?[row] ?? 1) * size * whole[_labels[row]] / left[_labels[row]]);
        return (members, weights);
    }
}
