using Maha.Documents.Files;
using Maha.Documents.Readers;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Documents.Rows;

/// <summary>Reads the documents of a listing, file by file.</summary>
internal sealed class DocumentCursor : DataViewRowCursor
{
    private readonly DocumentDataView _view;
    private readonly FileListing _listing;
    private readonly bool[] _isActive;
    private readonly List<SkippedDocument> _skipped = [];
    private long _numberOfSkipped;
    private long _position = -1;
    private int _file = -1;
    private IEnumerator<ReadItem>? _items;
    private ReadItem _current;
    private State _state;

    public DocumentCursor(DocumentDataView view, FileListing listing, IEnumerable<DataViewSchema.Column> columns)
    {
        (_view, _listing) = (view, listing);
        _isActive = new bool[view.Schema.Count];
        foreach (var column in columns)
            _isActive[column.Index] = true;
    }

    private enum State
    {
        NotStarted,
        OnRow,
        Ended,
    }

    public override DataViewSchema Schema => _view.Schema;

    public override long Position => _state == State.OnRow ? _position : -1;

    public override long Batch => 0;

    public override bool MoveNext()
    {
        if (_state == State.Ended)
            return false;
        if (_state == State.NotStarted)
        {
            foreach (var folder in _listing.Skipped)
                Skip(folder);
        }
        while (TryReadItem(out var item))
        {
            if (item.Error is { } error)
            {
                Skip(new SkippedDocument(_listing.Files[_file].Path, item.Line, error));
            }
            else if (!_view.Options.KeepEmpty && string.IsNullOrWhiteSpace(item.Text))
            {
                Skip(new SkippedDocument(_listing.Files[_file].Path, item.Line, "A document must have text, but this one has none. Set KeepEmpty to have it as a row."));
            }
            else
            {
                (_current, _state) = (item, State.OnRow);
                _position++;
                return true;
            }
        }
        (_current, _state) = (default, State.Ended);
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
            0 => Text(() => _current.Text!),
            1 => Text(() => _current.Label ?? _listing.Files[_file].FolderName),
            2 => Text(() => _listing.Files[_file].Path),
            _ => (ValueGetter<long>)((ref long value) =>
            {
                CheckRow();
                value = _current.Line ?? 1;
            }),
        };
        return getter as ValueGetter<TValue>
            ?? throw new InvalidOperationException($"Column '{column.Name}' holds {column.Type}, which cannot be read as {typeof(TValue)}.");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _items?.Dispose();
            (_items, _current, _state) = (null, default, State.Ended);
        }
        base.Dispose(disposing);
    }

    // A fault of a file ends the file, not the pass: files come from anywhere, and the libraries that parse them throw many kinds of exceptions.
    private bool TryReadItem(out ReadItem item)
    {
        while (true)
        {
            try
            {
                if (_items?.MoveNext() == true)
                {
                    item = _items.Current;
                    return true;
                }
                _items?.Dispose();
                _items = null;
                if (_file + 1 >= _listing.Files.Count)
                {
                    item = default;
                    return false;
                }
                _current = default;
                _items = DocumentReaders.Read(_listing.Files[++_file], _view.Options).GetEnumerator();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                _items = null;
                var (reason, line) = ReadFailure.Describe(e, _current.Line);
                Skip(new SkippedDocument(_listing.Files[_file].Path, line, reason), e);
            }
        }
    }

    private void Skip(SkippedDocument skipped, Exception? cause = null)
    {
        _numberOfSkipped++;
        if (_skipped.Count < DocumentReadSummary.MaxListed)
            _skipped.Add(skipped);
        _view.Report(skipped, cause);
    }

    private ValueGetter<ReadOnlyMemory<char>> Text(Func<string> value) => (ref ReadOnlyMemory<char> text) =>
    {
        CheckRow();
        text = value().AsMemory();
    };

    private void CheckRow()
    {
        if (_state != State.OnRow)
        {
            throw new InvalidOperationException(
                "Values can be read after MoveNext has returned true, but it was not called yet or has returned false. Call MoveNext before a value is read.");
        }
    }
}
