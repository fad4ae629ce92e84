namespace Maha.Report.Content;

/// <summary>Chooses the documents that are shown while all are read, so that few texts are in memory at a time.</summary>
/// <param name="count">The number of right examples and of wrong ones.</param>
internal sealed class ExampleChoice(int count)
{
    private readonly List<JudgedExample> _right = [];
    private readonly List<JudgedExample> _wrong = [];

    /// <summary>Right predictions: the first of each label, then others, in the order of the data.</summary>
    public IReadOnlyList<JudgedExample> Right => _right;

    /// <summary>The wrong predictions with the highest confidence, the highest first.</summary>
    public IReadOnlyList<JudgedExample> Wrong => _wrong;

    /// <summary>Considers a document.</summary>
    public void Add(JudgedRow row, ReadOnlyMemory<char> text)
    {
        if (row.IsRight)
        {
            if (_right.Count < count)
                _right.Add(new(row, text.ToString()));
            else if (count > 0 && Repeated() is >= 0 and var place && _right.All(example => example.Row.Label != row.Label))
                _right[place] = new(row, text.ToString());
            return;
        }
        int rank = _wrong.FindIndex(example => example.Row.Confidence < row.Confidence);
        if (rank < 0)
            rank = _wrong.Count;
        if (rank >= count)
            return;
        _wrong.Insert(rank, new(row, text.ToString()));
        if (_wrong.Count > count)
            _wrong.RemoveAt(count);
    }

    // The last example whose label an earlier one has.
    private int Repeated() => _right.FindLastIndex(example => _right.First(other => other.Row.Label == example.Row.Label) != example);
}
