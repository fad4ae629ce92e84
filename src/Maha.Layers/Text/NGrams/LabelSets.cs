namespace Maha.Layers.Text;

// n documents, C classes

/// <summary>The labels of documents: one class each, or any number of labels.</summary>
internal sealed class LabelSets
{
    private readonly int[] _labels;
    private readonly int[] _ends;

    private LabelSets(int[] labels, int[] ends, bool areClasses) => (_labels, _ends, AreClasses) = (labels, ends, areClasses);

    /// <summary>Whether every document has one label, its class.</summary>
    public bool AreClasses { get; }

    /// <summary>n, the number of documents.</summary>
    public int Count => _ends.Length;

    /// <summary>The labels of a document, from 0.</summary>
    public ReadOnlySpan<int> this[int row] => _labels.AsSpan(PackedLists.StartOf(_ends, row).._ends[row]);

    /// <summary>Creates the labels of documents of one class each.</summary>
    public static LabelSets FromClasses(IReadOnlyList<int> classes) => new([.. classes], [.. Enumerable.Range(1, classes.Count)], areClasses: true);

    /// <summary>Creates the labels of documents.</summary>
    /// <param name="sets">The labels of each document, all different.</param>
    public static LabelSets FromSets(IReadOnlyList<int[]> sets)
    {
        int end = 0;
        int[] ends = [.. sets.Select(set => end += set.Length)];
        return new([.. sets.SelectMany(set => set)], ends, areClasses: false);
    }

    /// <summary>
    /// Computes the log odds of the share of each label, [C]. Half a document with and half a document without each label is added, so that they are finite.
    /// </summary>
    /// <param name="numLabels">C.</param>
    /// <param name="weights">The weights of the documents; null for 1.</param>
    public double[] LogOdds(int numLabels, IReadOnlyList<float>? weights)
    {
        double[] with = new double[numLabels];
        Array.Fill(with, 0.5);
        double all = 1;
        for (int row = 0; row < Count; row++)
        {
            double weight = weights?[row] ?? 1;
            all += weight;
            foreach (int label in this[row])
                with[label] += weight;
        }
        return [.. with.Select(count => Math.Log(count / (all - count)))];
    }
}
