using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

// Keeps columns in memory, each from the time it is first asked for.
internal sealed class CacheDataView(IDataView source) : IDataView
{
    private readonly Lock _lock = new();
    private readonly Column[] _columns = new Column[source.Schema.Count];
    private long? _rowCount = source.GetRowCount();

    public bool CanShuffle => true;
    public DataViewSchema Schema => source.Schema;
    public long? GetRowCount() => _rowCount;

    public void Prefetch(IEnumerable<DataViewSchema.Column> columns)
    {
        lock (_lock)
        {
            DataViewSchema.Column[] missing = [.. columns.Where(c => _columns[c.Index] == null).DistinctBy(c => c.Index)];
            if (missing.Length == 0 && _rowCount != null)
                return;
            using DataViewRowCursor cursor = source.GetRowCursor(missing);
            Column[] filling = [.. missing.Select(c => Column.Create(cursor, c))];
            long rows = 0;
            for (; cursor.MoveNext(); rows++)
                foreach (Column column in filling)
                    column.Add();
            foreach ((DataViewSchema.Column column, Column values) in missing.Zip(filling))
                _columns[column.Index] = values;
            _rowCount = rows;
        }
    }

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = Getters.Active(Schema, columnsNeeded);
        Prefetch(Schema.Where(c => active[c.Index]));
        int[] order = null;
        if (rand != null)
        {
            order = [.. Enumerable.Range(0, checked((int)_rowCount))];
            for (int i = order.Length - 1; i > 0; i--)
            {
                int j = rand.Next(i + 1);
                (order[i], order[j]) = (order[j], order[i]);
            }
        }
        return new Cursor(this, active, order);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private abstract class Column
    {
        public abstract void Add();
        public abstract Delegate CreateGetter(Func<int> row);

        public static Column Create(DataViewRow row, DataViewSchema.Column column)
        {
            Type type = column.Type is VectorDataViewType vector ? typeof(VectorColumn<>).MakeGenericType(vector.ItemType.RawType)
                : column.Type is TextDataViewType ? typeof(TextColumn) : typeof(ScalarColumn<>).MakeGenericType(column.Type.RawType);
            return (Column)Activator.CreateInstance(type, row, column);
        }
    }

    private sealed class ScalarColumn<T>(DataViewRow row, DataViewSchema.Column column) : Column
    {
        private readonly List<T> _values = [];
        private readonly ValueGetter<T> _getter = row.GetGetter<T>(column);

        public override void Add()
        {
            T value = default;
            _getter(ref value);
            _values.Add(value);
        }

        public override Delegate CreateGetter(Func<int> row) => (ValueGetter<T>)((ref T value) => value = _values[row()]);
    }

    // A text may be a piece of a buffer that its source reuses, or of a much longer one: keep a copy.
    private sealed class TextColumn(DataViewRow row, DataViewSchema.Column column) : Column
    {
        private readonly List<string> _values = [];
        private readonly ValueGetter<ReadOnlyMemory<char>> _getter = row.GetGetter<ReadOnlyMemory<char>>(column);
        private ReadOnlyMemory<char> _value;

        public override void Add()
        {
            _getter(ref _value);
            _values.Add(_value.ToString());
        }

        public override Delegate CreateGetter(Func<int> row) =>
            (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = _values[row()].AsMemory());
    }

    private sealed class VectorColumn<T>(DataViewRow row, DataViewSchema.Column column) : Column
    {
        private readonly List<VBuffer<T>> _values = [];
        private readonly ValueGetter<VBuffer<T>> _getter = row.GetGetter<VBuffer<T>>(column);
        private VBuffer<T> _value;

        public override void Add()
        {
            _getter(ref _value);
            VBuffer<T> copy = default;
            _value.CopyTo(ref copy);
            if (copy is VBuffer<ReadOnlyMemory<char>> texts)
            {
                var own = texts.GetValues().ToArray();
                for (int i = 0; i < own.Length; i++)
                    own[i] = own[i].ToString().AsMemory();
                copy = (VBuffer<T>)(object)new VBuffer<ReadOnlyMemory<char>>(texts.Length, own.Length, own, texts.GetIndices().ToArray());
            }
            _values.Add(copy);
        }

        public override Delegate CreateGetter(Func<int> row) => (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) => _values[row()].CopyTo(ref value));
    }

    private sealed class Cursor : RootCursorBase
    {
        private readonly CacheDataView _parent;
        private readonly bool[] _active;
        private readonly int[] _order;

        public Cursor(CacheDataView parent, bool[] active, int[] order)
        {
            _parent = parent;
            _active = active;
            _order = order;
        }

        public override DataViewSchema Schema => _parent.Schema;
        public override long Batch => 0;
        public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];
        protected override bool MoveNextCore() => Position + 1 < _parent._rowCount;

        private int Row()
        {
            CheckGood();
            return _order == null ? (int)Position : _order[Position];
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = new DataViewRowId((ulong)Row(), 0);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column))
                throw Getters.Inactive(column);
            return Getters.Cast<TValue>(_parent._columns[column.Index].CreateGetter(Row), Schema[column.Index]);
        }
    }
}
