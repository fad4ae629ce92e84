namespace Microsoft.ML.Trainers;

/// <summary>
/// The training set in memory: sparse rows (zeros dropped) with one label and one weight per row.
/// </summary>
internal sealed class TrainingExamples
{
    private int[] _rowStart = new int[1025];
    private int[] _column = new int[4096];
    private float[] _value = new float[4096];
    private float[] _label = new float[1024];
    private float[] _weight = new float[1024];

    public TrainingExamples(int numFeatures)
    {
        NumFeatures = numFeatures;
    }

    public int NumFeatures { get; }

    public int NumRows { get; private set; }

    public int NumEntries => _rowStart[NumRows];

    public double WeightSum { get; private set; }

    public float Label(int row) => _label[row];

    public float Weight(int row) => _weight[row];

    public ReadOnlySpan<int> Columns(int row) => _column.AsSpan(_rowStart[row], _rowStart[row + 1] - _rowStart[row]);

    public ReadOnlySpan<float> Values(int row) => _value.AsSpan(_rowStart[row], _rowStart[row + 1] - _rowStart[row]);

    /// <summary>Adds a row; <paramref name="indices"/> is empty for a dense row.</summary>
    public void Add(ReadOnlySpan<float> values, ReadOnlySpan<int> indices, float label, float weight)
    {
        if (NumRows == _label.Length)
        {
            Array.Resize(ref _label, 2 * NumRows);
            Array.Resize(ref _weight, 2 * NumRows);
            Array.Resize(ref _rowStart, 2 * NumRows + 1);
        }

        int end = _rowStart[NumRows];
        if (_column.Length - end < values.Length)
        {
            int size = (int)Math.Min(Array.MaxLength, Math.Max(2L * _column.Length, (long)end + values.Length));
            if (size - end < values.Length)
                throw new InvalidOperationException(
                    $"A training set may have at most {Array.MaxLength} non-zero feature values, but row {NumRows} goes beyond that. Use fewer rows or features.");
            Array.Resize(ref _column, size);
            Array.Resize(ref _value, size);
        }

        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] == 0)
                continue;
            _column[end] = indices.IsEmpty ? i : indices[i];
            _value[end++] = values[i];
        }

        _label[NumRows] = label;
        _weight[NumRows] = weight;
        WeightSum += weight;
        _rowStart[++NumRows] = end;
    }
}
