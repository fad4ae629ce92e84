using Maha.Layers.Core;

namespace Maha.Layers.Data;

/// <summary>Some of the documents of another collection, in an order of its own. The documents stay with their owner.</summary>
internal sealed class DocumentSubset : ITextDocuments, IDrawnDocuments, IDocumentView
{
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

    /// <summary>The index of each document of the subset in the collection that it was taken from.</summary>
    public IReadOnlyList<int> Rows => _rows;

    /// <inheritdoc/>
    public ITokenizedDocuments Source => _documents;

    /// <inheritdoc/>
    public int SourceIndexOf(int index) => _rows[index];

    /// <inheritdoc/>
    public int LengthOf(int index) => _documents.LengthOf(_rows[index]);

    /// <inheritdoc/>
    public int LabelOf(int index) => _documents.LabelOf(_rows[index]);

    /// <inheritdoc/>
    public void CopyTokens(int index, Span<int> destination) => _documents.CopyTokens(_rows[index], destination);

    /// <inheritdoc/>
    public int[] Draw(int index, long seed) => _documents is IDrawnDocuments drawn ? drawn.Draw(_rows[index], seed) : _documents.TokensOf(_rows[index]);

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The collection has no texts.</exception>
    public string TextOf(int index) => _documents is ITextDocuments texts
        ? texts.TextOf(_rows[index])
        : throw new InvalidOperationException($"The documents must have their texts, but {_documents.GetType().Name} has token ids alone. Split documents with texts.");

    /// <summary>
    /// Splits documents at random into two parts. Each class is split in the same proportion, as far as the number of its documents
    /// allows, and keeps at least one document in training. A document with several labels counts for the rarest of them. Both parts keep the order of
    /// the documents.
    /// </summary>
    /// <param name="documents">The documents, with or without labels.</param>
    /// <param name="validationFraction">The fraction of the documents for validation, in [0, 1).</param>
    /// <param name="seed">The seed. The same seed gives the same parts on every machine.</param>
    /// <returns>The two parts; the validation part is null where it would be empty.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The fraction is out of range.</exception>
    public static (DocumentSubset Training, DocumentSubset? Validation) Split(ITokenizedDocuments documents, double validationFraction, int seed)
    {
        ArgumentNullException.ThrowIfNull(documents);
        TensorChecks.Probability(validationFraction, nameof(validationFraction));
        var classes = new SortedDictionary<int, List<int>>();
        int[] strata = documents.StrataOf();
        for (int i = 0; i < documents.Count; i++)
        {
            if (!classes.TryGetValue(strata[i], out var members))
                classes.Add(strata[i], members = []);
            members.Add(i);
        }

        var training = new List<int>();
        var validation = new List<int>();
        // The remainder of rounding is carried to the next class, so that many small classes still give the fraction that was asked for.
        double carried = 0.5;
        foreach (var (label, members) in classes)
        {
            carried += validationFraction * members.Count;
            int count = Math.Clamp((int)carried, 0, members.Count - 1);
            carried -= count;
            int[] shuffled = [.. members];
            new DeterministicRandom(DeterministicRandom.Combine(seed, SeedPurpose.ValidationSplit, label)).Shuffle(shuffled.AsSpan());
            validation.AddRange(shuffled[..count]);
            training.AddRange(shuffled[count..]);
        }
        training.Sort();
        validation.Sort();
        return (new DocumentSubset(documents, [.. training]), validation.Count == 0 ? null : new DocumentSubset(documents, [.. validation]));
    }
}
