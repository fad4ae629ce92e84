using System.Numerics;

namespace Microsoft.ML.Trainers;

/// <summary>
/// Some columns of the training set, stored by row (for scores) and by column (for gradients), so that both passes
/// run in parallel without shared writes and give the same sums whatever the number of threads.
/// A parameter block of a column holds one value per class, padded to whole vectors (<see cref="Stride"/>).
/// </summary>
internal sealed class SparseColumns
{
    private readonly int[] _rowStart;
    private readonly int[] _rowColumn;
    private readonly float[] _rowValue;
    private readonly int[] _columnStart;
    private readonly int[] _columnRow;
    private readonly float[] _columnValue;
    private readonly ParallelOptions _parallel;

    /// <param name="examples">The training set.</param>
    /// <param name="columns">The features kept, ascending.</param>
    /// <param name="numClasses">Values in a parameter block.</param>
    /// <param name="numThreads">Upper bound of the threads used.</param>
    public SparseColumns(TrainingExamples examples, int[] columns, int numClasses, int numThreads)
    {
        NumRows = examples.NumRows;
        NumColumns = columns.Length;
        Stride = PaddedStride(numClasses);
        _parallel = new ParallelOptions { MaxDegreeOfParallelism = numThreads };

        var position = new int[examples.NumFeatures];
        Array.Fill(position, -1);
        for (int j = 0; j < columns.Length; j++)
            position[columns[j]] = j;

        _rowStart = new int[NumRows + 1];
        _columnStart = new int[NumColumns + 1];
        for (int row = 0; row < NumRows; row++)
        {
            int kept = 0;
            foreach (int column in examples.Columns(row))
            {
                if (position[column] >= 0)
                {
                    kept++;
                    _columnStart[position[column] + 1]++;
                }
            }

            _rowStart[row + 1] = _rowStart[row] + kept;
        }

        for (int j = 0; j < NumColumns; j++)
            _columnStart[j + 1] += _columnStart[j];

        int entries = _rowStart[NumRows];
        _rowColumn = new int[entries];
        _rowValue = new float[entries];
        _columnRow = new int[entries];
        _columnValue = new float[entries];
        var next = _columnStart.AsSpan(0, NumColumns).ToArray();
        for (int row = 0, at = 0; row < NumRows; row++)
        {
            var rowColumns = examples.Columns(row);
            var rowValues = examples.Values(row);
            for (int i = 0; i < rowColumns.Length; i++)
            {
                int j = position[rowColumns[i]];
                if (j < 0)
                    continue;
                _rowColumn[at] = j;
                _rowValue[at++] = rowValues[i];
                _columnRow[next[j]] = row;
                _columnValue[next[j]++] = rowValues[i];
            }
        }
    }

    public int NumRows { get; }

    public int NumColumns { get; }

    public int Stride { get; }

    public static int PaddedStride(int numClasses)
    {
        int width = Vector<double>.Count;
        return numClasses == 1 ? 1 : (numClasses + width - 1) / width * width;
    }

    /// <summary>
    /// scores[row] = parameters[0] + sum over columns j of value * parameters[1 + j], block by block,
    /// then <paramref name="finish"/>(row).
    /// </summary>
    public void Scores(double[] parameters, double[] scores, Action<int> finish)
    {
        Parallel.For(0, NumRows, _parallel, row =>
        {
            var score = scores.AsSpan(row * Stride, Stride);
            parameters.AsSpan(0, Stride).CopyTo(score);
            for (int i = _rowStart[row]; i < _rowStart[row + 1]; i++)
                AddMultiple(_rowValue[i], parameters.AsSpan((_rowColumn[i] + 1) * Stride, Stride), score);
            finish(row);
        });
    }

    /// <summary>gradient[1 + j] = sum over rows of value * residuals[row].</summary>
    public void Gradient(double[] residuals, double[] gradient)
    {
        Parallel.For(0, NumColumns, _parallel, column =>
        {
            var sum = gradient.AsSpan((column + 1) * Stride, Stride);
            sum.Clear();
            for (int i = _columnStart[column]; i < _columnStart[column + 1]; i++)
                AddMultiple(_columnValue[i], residuals.AsSpan(_columnRow[i] * Stride, Stride), sum);
        });
    }

    private static void AddMultiple(double factor, ReadOnlySpan<double> source, Span<double> target)
    {
        if (source.Length == 1)
        {
            target[0] += factor * source[0];
            return;
        }

        var factors = new Vector<double>(factor);
        for (int i = 0; i < source.Length; i += Vector<double>.Count)
            (new Vector<double>(target[i..]) + factors * new Vector<double>(source[i..])).CopyTo(target[i..]);
    }
}
