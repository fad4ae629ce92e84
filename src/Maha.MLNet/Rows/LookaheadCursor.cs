using System.Runtime.ExceptionServices;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Rows;

/// <summary>
/// A cursor that reads some rows ahead, so that a model can compute their documents together. Rows, order, values and exceptions are those of the source.
/// </summary>
internal sealed class LookaheadCursor : DataViewRowCursor, ITextWindow
{
    // Several batches of short documents (EncodedTexts), so that the documents of a batch can have similar lengths.
    internal const int MaxRows = 128;

    // Long documents are computed one at a time anyway, and wide columns must not fill the memory.
    private const long MaxBytes = 1 << 19;

    private readonly DataViewRowCursor _input;
    private readonly ColumnBuffer?[] _buffers;
    private readonly ColumnBuffer<ReadOnlyMemory<char>> _texts;
    private readonly ValueGetter<DataViewRowId> _id;
    private readonly List<(long Position, long Batch, DataViewRowId Id)> _rows = [];
    private int _current = -1;
    private bool _hasEnded;
    private ExceptionDispatchInfo? _failure;

    // One row first, so that a caller who reads one row waits for one; then twice as many each time.
    private int _maxRows = 1;

    /// <summary>Takes ownership of a cursor.</summary>
    /// <param name="input">The cursor, before its first row.</param>
    /// <param name="columns">The columns that are read, of types for which <see cref="ColumnBuffer.CanHold"/> returns true.</param>
    /// <param name="text">The column of the documents, one of <paramref name="columns"/>.</param>
    public LookaheadCursor(DataViewRowCursor input, IEnumerable<DataViewSchema.Column> columns, DataViewSchema.Column text)
    {
        _input = input;
        _buffers = new ColumnBuffer?[input.Schema.Count];
        foreach (var column in columns)
            _buffers[column.Index] = ColumnBuffer.Create(input, column);
        _texts = (ColumnBuffer<ReadOnlyMemory<char>>)_buffers[text.Index]!;
        _id = input.GetIdGetter();
    }

    public override DataViewSchema Schema => _input.Schema;

    public override long Position => _current < 0 ? -1 : _rows[_current].Position;

    public override long Batch => _current < 0 ? _input.Batch : _rows[_current].Batch;

    /// <inheritdoc/>
    public long Version { get; private set; }

    /// <inheritdoc/>
    public int Count => _rows.Count;

    /// <inheritdoc/>
    public int Current => _current >= 0 ? _current
        : throw new InvalidOperationException(
            "Values can be read after MoveNext has returned true, but it was not called yet or has returned false. Call MoveNext before a value is read.");

    public override bool MoveNext()
    {
        if (_current + 1 == _rows.Count)
            ReadAhead();
        if (_rows.Count == 0)
            return false;
        _current++;
        return true;
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = _rows[Current].Id;

    public override bool IsColumnActive(DataViewSchema.Column column) => _buffers[column.Index] is not null;

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        var buffer = _buffers[column.Index] as ColumnBuffer<TValue>
            ?? throw new InvalidOperationException($"Column '{column.Name}' holds {column.Type}, which cannot be read as {typeof(TValue)}.");
        return (ref TValue value) => buffer.CopyTo(Current, ref value);
    }

    /// <inheritdoc/>
    public ReadOnlyMemory<char> TextOf(int index)
    {
        ReadOnlyMemory<char> value = default;
        _texts.CopyTo(index, ref value);
        return value;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Clear();
            _hasEnded = true;
            _input.Dispose();
        }
        base.Dispose(disposing);
    }

    // An exception of the source is thrown after the rows before it were read.
    private void ReadAhead()
    {
        Clear();
        long bytes = 0;
        while (!_hasEnded && _failure is null && _rows.Count < _maxRows && bytes < MaxBytes)
        {
            try
            {
                _hasEnded = !_input.MoveNext();
                if (!_hasEnded)
                    bytes += ReadRow();
            }
            catch (Exception e)
            {
                _failure = ExceptionDispatchInfo.Capture(e);
            }
        }
        _maxRows = Math.Min(2 * _maxRows, MaxRows);
        if (_rows.Count > 0 || _failure is not { } failure)
            return;
        _failure = null;
        failure.Throw();
    }

    private long ReadRow()
    {
        DataViewRowId id = default;
        _id(ref id);
        long bytes = 0;
        foreach (var buffer in _buffers)
            bytes += buffer?.Read(_rows.Count) ?? 0;
        _rows.Add((_input.Position, _input.Batch, id));
        return bytes;
    }

    private void Clear()
    {
        _rows.Clear();
        _current = -1;
        Version++;
    }
}
