using Maha.Documents.Files;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Documents.Rows;

/// <summary>The documents of a pass as rows.</summary>
internal sealed class DocumentCursor : DataViewRowCursor
{
    private readonly DocumentDataView _view;
    private readonly DocumentPass _pass;
    private readonly bool[] _isActive;
    private readonly List<SkippedDocument> _skipped = [];
    private long _numberOfSkipped;
    private long _position = -1;
    private bool _isOnRow;
    private bool _hasEnded;

    public DocumentCursor(DocumentDataView view, FileListing listing, IEnumerable<DataViewSchema.Column> columns)
    {
        _view = view;
        _pass = new DocumentPass(listing, view.Options);
        _isActive = new bool[view.Schema.Count];
        foreach (var column in columns)
            _isActive[column.Index] = true;
    }

    public override DataViewSchema Schema => _view.Schema;

    public override long Position => _isOnRow ? _position : -1;

    public override long Batch => 0;

    public override bool MoveNext()
    {
        _isOnRow = false;
        if (_hasEnded)
            return false;
        while (_pass.MoveNext())
        {
            if (_pass.Item.Error is not { } error)
            {
                _position++;
                return _isOnRow = true;
            }
            Skip(new SkippedDocument(_pass.Path, _pass.Item.Line, error));
        }
        _hasEnded = true;
        _view.Complete(new DocumentReadSummary(_position + 1, _numberOfSkipped, _skipped));
        return false;
    }

    public override bool IsColumnActive(DataViewSchema.Column column) => _isActive[column.Index];

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) =>
    {
        CheckRow();
        value = new DataViewRowId((ulong)_position, 0);
    };

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (column.Index >= _isActive.Length || !_isActive[column.Index])
            throw new ArgumentOutOfRangeException(nameof(column), $"Column '{column.Name}' must be among the columns of the cursor, but is not.");
        Delegate getter = column.Index switch
        {
            0 => Text(() => _pass.Item.Text!),
            1 => Text(() => _pass.Label),
            2 => Text(() => _pass.Path),
            _ => (ValueGetter<long>)((ref long value) =>
            {
                CheckRow();
                value = _pass.Item.Line ?? 1;
            }),
        };
        return getter as ValueGetter<TValue>
            ?? throw new InvalidOperationException($"Column '{column.Name}' holds {column.Type}, which cannot be read as {typeof(TValue)}.");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _pass.Dispose();
            (_isOnRow, _hasEnded) = (false, true);
        }
        base.Dispose(disposing);
    }

    private void Skip(SkippedDocument skipped)
    {
        _numberOfSkipped++;
        if (_skipped.Count < DocumentReadSummary.MaxListed)
            _skipped.Add(skipped);
        _view.Report(skipped, _pass.Cause);
    }

    private ValueGetter<ReadOnlyMemory<char>> Text(Func<string> value) => (ref ReadOnlyMemory<char> text) =>
    {
        CheckRow();
        text = value().AsMemory();
    };

    private void CheckRow()
    {
        if (!_isOnRow)
        {
            throw new InvalidOperationException(
                "Values can be read after MoveNext has returned true, but it was not called yet or has returned false. Call MoveNext before a value is read.");
        }
    }
}
