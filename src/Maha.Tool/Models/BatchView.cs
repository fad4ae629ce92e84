using Maha.Tool.Input;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Tool.Models;

/// <summary>The documents of a batch that can be read, as the input of a model.</summary>
/// <remarks>The <see cref="SavedModel.IndexColumn"/> of a row is the index of its document in the batch.</remarks>
internal sealed class BatchView(SavedModel model, IReadOnlyList<InputDocument> documents) : IDataView
{
    public DataViewSchema Schema => model.InputSchema;

    public bool CanShuffle => false;

    public long? GetRowCount() => documents.Count(document => document.Error is null);

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null) => new Cursor(model, documents, columnsNeeded);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
        => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(SavedModel model, IReadOnlyList<InputDocument> documents, IEnumerable<DataViewSchema.Column> columns) : DataViewRowCursor
    {
        private readonly HashSet<int> _active = [.. columns.Select(column => column.Index)];
        private int _index = -1;
        private long _position = -1;

        public override DataViewSchema Schema => model.InputSchema;

        public override long Position => _position;

        public override long Batch => 0;

        public override bool MoveNext()
        {
            while (++_index < documents.Count)
            {
                if (documents[_index].Error is not null)
                    continue;
                _position++;
                return true;
            }
            _position = -1;
            return false;
        }

        public override bool IsColumnActive(DataViewSchema.Column column) => _active.Contains(column.Index);

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = new DataViewRowId((ulong)_index, 0);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
            => DocumentRow.Getter<TValue>(model, column, () => _index, () => documents[_index].Text);
    }
}
