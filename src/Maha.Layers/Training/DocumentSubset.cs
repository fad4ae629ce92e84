namespace Maha.Layers.Training;

/// <summary>Some documents of others, in an order of its own. Owns nothing.</summary>
internal sealed class DocumentSubset(ITokenizedDocuments documents, int[] rows) : ITokenizedDocuments
{
    private const int ShuffleClass = 3;

    public int Count => rows.Length;

    public bool HasLabels => documents.HasLabels;

    /// <summary>The indices in the whole of the documents of the subset.</summary>
    public IReadOnlyList<int> Rows => rows;

    public int LengthOf(int index) => documents.LengthOf(rows[index]);

    public int LabelOf(int index) => documents.LabelOf(rows[index]);

    public void CopyTokens(int index, Span<int> destination) => documents.CopyTokens(rows[index], destination);

    /// <summary>
    /// Splits at random, each class in the same proportion as far as whole documents allow, and at least one document of
    /// each class stays in training. Both parts keep the order of the documents.
    /// </summary>
    /// <returns>The validation part is null where it would be empty.</returns>
    public static (DocumentSubset Training, DocumentSubset? Validation) Split(ITokenizedDocuments documents, double validationFraction, int seed)
    {
        var classes = new SortedDictionary<int, List<int>>();
        for (int i = 0; i < documents.Count; i++)
        {
            int label = documents.HasLabels ? documents.LabelOf(i) : 0;
            if (!classes.TryGetValue(label, out var members))
                classes.Add(label, members = []);
            members.Add(i);
        }

        var training = new List<int>();
        var validation = new List<int>();
        // What rounding takes from one class goes to the next: many small classes still give the whole fraction.
        double owed = 0.5;
        foreach (var (label, members) in classes)
        {
            owed += validationFraction * members.Count;
            int count = Math.Clamp((int)owed, 0, members.Count - 1);
            owed -= count;
            int[] shuffled = [.. members];
            new DeterministicRandom(DeterministicRandom.Combine(seed, ShuffleClass, label)).Shuffle(shuffled.AsSpan());
            validation.AddRange(shuffled[..count]);
            training.AddRange(shuffled[count..]);
        }
        training.Sort();
        validation.Sort();
        return (new DocumentSubset(documents, [.. training]), validation.Count == 0 ? null : new DocumentSubset(documents, [.. validation]));
    }
}
