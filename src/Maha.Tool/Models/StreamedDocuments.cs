using System.Collections.Concurrent;
using Maha.Tool.Input;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Tool.Models;

/// <summary>Documents that are read once, in order, as the input of a model.</summary>
/// <remarks>
/// A document that can't be read is a row without text: so what waits for its turn in the output is never more than the rows that the model reads ahead.
/// </remarks>
internal sealed class StreamedDocuments(SavedModel model, IEnumerable<InputDocument> documents) : IDataView
{
    private bool _isRead;

    /// <summary>The documents that the model has read and the output has not, with their numbers.</summary>
    public ConcurrentQueue<(long Index, InputDocument Document)> Waiting { get; } = new();

    public DataViewSchema Schema => model.InputSchema;

    public bool CanShuffle => false;

    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        if (_isRead)
            throw new InvalidOperationException($"The model '{model.Path}' passes over its input more than once, but standard input can be read once.");
        _isRead = true;
        return new Cursor(model, documents.GetEnumerator(), Waiting, columnsNeeded);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
        => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(
        SavedModel model, IEnumerator<InputDocument> documents, ConcurrentQueue<(long, InputDocument)> waiting, IEnumerable<DataViewSchema.Column> columns)
        : DataViewRowCursor
    {
        private readonly HashSet<int> _active = [.. columns.Select(column => column.Index)];
        private long _index = -1;

        public override DataViewSchema Schema => model.InputSchema;

        public override long Position => _index;

        public override long Batch => 0;

        public override bool MoveNext()
        {
            if (!documents.MoveNext())
                return false;
            waiting.Enqueue((++_index, documents.Current));
            return true;
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => _active.Contains(column.Index);

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = new DataViewRowId((ulong)_index, 0);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
            => DocumentRow.Getter<TValue>(model, column, () => _index, () => documents.Current.Text);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                documents.Dispose();
            base.Dispose(disposing);
        }
    }
}
