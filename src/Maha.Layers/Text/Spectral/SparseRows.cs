using System.Numerics;
using System.Runtime.InteropServices;

namespace Maha.Layers.Text;

// M rows, F columns, K width of a dense matrix

/// <summary>A sparse matrix [M, F], stored by rows.</summary>
internal sealed class SparseRows
{
    private readonly int _numColumns;
    private readonly List<int> _starts = [0];
    private readonly List<int> _columns = [];
    private readonly List<float> _values = [];

    public SparseRows(int numColumns) => _numColumns = numColumns;

    /// <summary>M, the number of complete rows.</summary>
    public int NumRows => _starts.Count - 1;

    /// <summary>F, the number of columns.</summary>
    public int NumColumns => _numColumns;

    /// <summary>Adds an element to the current row.</summary>
    public void Add(int column, float value)
    {
        _columns.Add(column);
        _values.Add(value);
    }

    /// <summary>Ends the current row and scales it to the norm 1, unless it is 0.</summary>
    public void EndRow()
    {
        var values = CollectionsMarshal.AsSpan(_values)[_starts[^1]..];
        double squares = 0;
        foreach (float value in values)
            squares += (double)value * value;
        float factor = squares > 0 ? (float)(1 / Math.Sqrt(squares)) : 0;
        foreach (ref float value in values)
            value *= factor;
        _starts.Add(_values.Count);
    }

    /// <summary>Returns the transpose, [F, M].</summary>
    public SparseRows Transpose()
    {
        int[] counts = new int[_numColumns + 1];
        foreach (int column in _columns)
            counts[column + 1]++;
        for (int i = 0; i < _numColumns; i++)
            counts[i + 1] += counts[i];
        var transpose = new SparseRows(NumRows);
        transpose._starts.Clear();
        transpose._starts.AddRange(counts);
        CollectionsMarshal.SetCount(transpose._columns, _columns.Count);
        CollectionsMarshal.SetCount(transpose._values, _values.Count);
        var columns = CollectionsMarshal.AsSpan(transpose._columns);
        var values = CollectionsMarshal.AsSpan(transpose._values);
        for (int row = 0; row < NumRows; row++)
        {
            for (int i = _starts[row]; i < _starts[row + 1]; i++)
            {
                int at = counts[_columns[i]]++;
                columns[at] = row;
                values[at] = _values[i];
            }
        }

        return transpose;
    }

    /// <summary>Returns the product with a dense matrix [F, K], which is [M, K].</summary>
    /// <remarks>One thread computes a row, so the result does not depend on the number of threads.</remarks>
    public float[] Multiply(float[] dense, int width, CancellationToken cancellationToken)
    {
        float[] product = new float[(long)NumRows * width];
        Parallel.For(0, NumRows, new ParallelOptions { CancellationToken = cancellationToken }, row =>
        {
            var sum = product.AsSpan(row * width, width);
            for (int i = _starts[row]; i < _starts[row + 1]; i++)
                AddScaled(sum, dense.AsSpan(_columns[i] * width, width), _values[i]);
        });
        return product;
    }

    /// <summary>Computes sum += factor * x.</summary>
    public static void AddScaled(Span<float> sum, ReadOnlySpan<float> x, float factor)
    {
        var sums = MemoryMarshal.Cast<float, Vector<float>>(sum);
        var xs = MemoryMarshal.Cast<float, Vector<float>>(x);
        for (int i = 0; i < sums.Length; i++)
            sums[i] += xs[i] * factor;
        for (int i = sums.Length * Vector<float>.Count; i < sum.Length; i++)
            sum[i] += x[i] * factor;
    }
}
