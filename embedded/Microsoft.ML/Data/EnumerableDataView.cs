using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

internal sealed class EnumerableDataView<TRow> : IDataView where TRow : class
{
    private readonly IEnumerable<TRow> _rows;
    private readonly RowType<TRow> _type;

    public EnumerableDataView(IEnumerable<TRow> rows, SchemaDefinition definition)
    {
        _rows = rows;
        _type = RowType<TRow>.Create(definition, SchemaDefinition.Direction.Read);
    }

    public bool CanShuffle => false;
    public DataViewSchema Schema => _type.Schema;
    public long? GetRowCount() => _rows.TryGetNonEnumeratedCount(out int count) ? count : null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) => new Cursor(this, Getters.Active(Schema, columnsNeeded));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(EnumerableDataView<TRow> parent, bool[] active) : RootCursorBase
    {
        private readonly IEnumerator<TRow> _rows = parent._rows.GetEnumerator();

        public override DataViewSchema Schema => parent.Schema;
        public override long Batch => 0;
        public override bool IsColumnActive(DataViewSchema.Column column) => active[column.Index];

        protected override bool MoveNextCore()
        {
            if (!_rows.MoveNext())
                return false;
            Contracts.Check(_rows.Current != null, "Encountered null when iterating over data, this is not supported.");
            return true;
        }

        private TRow Current()
        {
            CheckGood();
            return _rows.Current;
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) =>
        {
            CheckGood();
            id = new DataViewRowId((ulong)Position, 0);
        };

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column))
                throw Getters.Inactive(column);
            return Getters.Cast<TValue>(parent._type.CreateGetter(column.Index, Current), Schema[column.Index]);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _rows.Dispose();
            base.Dispose(disposing);
        }
    }
}

// One row object after another, for a prediction engine.
internal sealed class InputRow<TRow>(SchemaDefinition definition) : DataViewRow where TRow : class
{
    private readonly RowType<TRow> _type = RowType<TRow>.Create(definition, SchemaDefinition.Direction.Read);
    private TRow _current;
    private long _position = -1;

    public override long Position => _position;
    public override long Batch => 0;
    public override DataViewSchema Schema => _type.Schema;
    public override bool IsColumnActive(DataViewSchema.Column column) => true;
    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)_position, 0);

    public void ExtractValues(TRow row)
    {
        _current = Contracts.CheckRef(row, nameof(row));
        _position++;
    }

    private TRow Current()
    {
        Contracts.Check(_current != null, Getters.FetchValueStateError);
        return _current;
    }

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
        Getters.Cast<TValue>(_type.CreateGetter(column.Index, Current), Schema[column.Index]);
}
