namespace Maha.Layers.Text;

// n documents, K folds

/// <summary>Which documents are scored by models that were fitted to the others, and how much each counts on both sides.</summary>
/// <remarks>
/// <para>Copies of a text share a fold: a stack is for texts that nobody has seen. Where that puts all documents of a class into one fold, they are spread over all instead: models that never saw
/// a class would say that nothing belongs to it, and a stack would learn that its documents are those of which this is said.</para>
/// <para>Without the documents of a fold their classes are smaller than they are, and a document of which nothing is known would seem to be of any class but its own. So the documents that are left
/// of a class count as much as the whole class.</para>
/// </remarks>
internal sealed class StackFolds
{
    /// <summary>More documents than this don't make a better stack, and the folds of all of them take most of the time.</summary>
    public const int EnoughDocuments = 20_000;

    /// <summary>As <see cref="EnoughDocuments"/>, where they fit a slope or two.</summary>
    public const int EnoughForSlopes = 4_000;

    private const int MostFolds = 5;
    private const int FewDocuments = 10;

    private readonly IReadOnlyList<int> _labels;
    private readonly IReadOnlyList<float>? _weights;

    private StackFolds(int[] folds, int count, IReadOnlyList<int> labels, IReadOnlyList<ulong> contents, IReadOnlyList<float>? weights)
    {
        (Folds, Count, _labels, _weights) = (folds, count, labels, weights);
        var foldsOfClass = labels.Zip(folds).GroupBy(pair => pair.First).ToDictionary(group => group.Key, group => group.Select(pair => pair.Second).Distinct().Count());
        Judged = [.. Enumerable.Range(0, folds.Length).Where(row => folds[row] >= 0 && foldsOfClass[labels[row]] > 1)];
        JudgedWeights = new double[folds.Length];
        var copies = new Dictionary<(int, ulong), int>();
        foreach (int row in Judged)
            copies[(labels[row], contents[row])] = copies.GetValueOrDefault((labels[row], contents[row])) + 1;
        // Of new texts the copies of one tell no more than it does.
        foreach (int row in Judged)
            JudgedWeights[row] = (double)(weights?[row] ?? 1) / copies[(labels[row], contents[row])];
    }

    /// <summary>The fold of each document, from 0; -1 where none scores it.</summary>
    public int[] Folds { get; }

    /// <summary>K.</summary>
    public int Count { get; }

    /// <summary>The documents that are scored by models which know their class.</summary>
    public int[] Judged { get; }

    /// <summary>How much each judged document counts in the stack.</summary>
    public double[] JudgedWeights { get; }

    /// <summary>Chooses the folds: each class in the same proportion.</summary>
    /// <param name="contents">The texts, see <see cref="NGramText.Content"/>.</param>
    /// <param name="labels">The classes.</param>
    /// <param name="weights">How much each document counts; null for 1.</param>
    /// <param name="validating">Documents that must be scored, first.</param>
    /// <param name="seed">Of the choice.</param>
    /// <param name="enough">Of more than so many documents not all are scored.</param>
    public static StackFolds Choose(IReadOnlyList<ulong> contents, IReadOnlyList<int> labels, IReadOnlyList<float>? weights, IReadOnlyList<int> validating, int seed, int enough = EnoughDocuments)
    {
        int rows = contents.Count;
        int[] order = [.. Enumerable.Range(0, rows)];
        new Random(seed).Shuffle(order);
        // Of very many documents some are enough: one fold, which validation documents enter first.
        bool isOne = rows > MostFolds / 2.0 * enough;
        int count = isOne ? rows / enough : rows < FewDocuments ? 2 : MostFolds;
        if (isOne)
        {
            var first = new HashSet<int>(validating);
            order = [.. order.Where(first.Contains), .. order.Where(row => !first.Contains(row))];
        }
        int[] folds = new int[rows];
        var ofContent = new Dictionary<ulong, int>();
        // Classes begin in turn, so that many small ones fill all folds alike.
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
                ofContent.Add(contents[row], fold = isOne && placed++ < validating.Count ? 0 : Next(labels[row]));
            folds[row] = fold;
            foldsOfClass[labels[row]] = foldsOfClass.TryGetValue(labels[row], out var before) ? (before.Fold, before.IsMany || before.Fold != fold) : (fold, false);
        }
        foreach (int row in order)
        {
            if (!foldsOfClass[labels[row]].IsMany)
                folds[row] = Next(labels[row]);
        }

        return isOne
            ? new StackFolds([.. folds.Select(fold => fold == 0 ? 0 : -1)], 1, labels, contents, weights)
            : new StackFolds(folds, count, labels, contents, weights);
    }

    /// <summary>What a fold's models are fitted to, and how much each of these documents counts.</summary>
    public (int[] Members, float[] Weights) Outside(int fold)
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
        double all = whole.Sum(), allLeft = whole.Zip(left).Sum(pair => pair.Second > 0 ? pair.First : 0), size = left.Sum() / Math.Max(allLeft, double.Epsilon);
        float[] weights = new float[Folds.Length];
        foreach (int row in members)
            weights[row] = (float)((_weights?[row] ?? 1) * size * whole[_labels[row]] / left[_labels[row]]);
        return (members, weights);
    }
}
