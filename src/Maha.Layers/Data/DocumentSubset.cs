using Maha.Layers.Core;

namespace Maha.Layers.Data;

/// <summary>Some documents of others, in an order of its own. Owns nothing.</summary>
public sealed class DocumentSubset : ITokenizedDocuments
{
    private const int ShuffleClass = 3;

    private readonly ITokenizedDocuments _documents;
    private readonly int[] _rows;

    private DocumentSubset(ITokenizedDocuments documents, int[] rows)
    {
        _documents = documents;
        _rows = rows;
    }

    /// <inheritdoc/>
    public int Count => _rows.Length;

    /// <inheritdoc/>
    public bool HasLabels => _documents.HasLabels;

    /// <summary>The indices in the whole of the documents of the subset.</summary>
    public IReadOnlyList<int> Rows => _rows;

    /// <inheritdoc/>
    public int LengthOf(int index) => _documents.LengthOf(_rows[index]);

    /// <inheritdoc/>
    public int LabelOf(int index) => _documents.LabelOf(_rows[index]);

    /// <inheritdoc/>
    public void CopyTokens(int index, Span<int> destination) => _documents.CopyTokens(_rows[index], destination);

    /// <summary>
    /// Splits at random, each class in the same proportion as far as whole documents allow, and at least one document of
    /// each class stays in training. Both parts keep the order of the documents.
    /// </summary>
    /// <param name="documents">All documents, with labels or without.</param>
    /// <param name="validationFraction">The part of the documents that validates. At least 0, below 1.</param>
    /// <param name="seed">The same seed gives the same parts, on every machine.</param>
    /// <returns>The validation part is null where it would be empty.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The fraction is out of range.</exception>
    public static (DocumentSubset Training, DocumentSubset? Validation) Split(ITokenizedDocuments documents, double validationFraction, int seed)
    {
        ArgumentNullException.ThrowIfNull(documents);
        TensorChecks.Probability(validationFraction, nameof(validationFraction));
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
