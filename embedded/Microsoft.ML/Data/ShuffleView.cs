namespace Microsoft.ML.Data;

// Rows in random order: a pool of rows is filled, and each row that leaves it is replaced by the source's next one.
internal sealed class ShuffleView(IDataView source, int seed, int poolSize, bool shuffleSource) : IDataView
{
    public bool CanShuffle => true;
    public DataViewSchema Schema => source.Schema;
    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = Getters.Active(Schema, columnsNeeded);
        rand ??= RandomUtils.Create(seed);
        DataViewRowCursor input = source.GetRowCursor(Schema.Where(c => active[c.Index]), shuffleSource && source.CanShuffle ? RandomUtils.Create(rand) : null);
        return new Cursor(input, active, poolSize, rand);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor : RootCursorBase
    {
        private readonly DataViewRowCursor _input;
        private readonly bool[] _active;
        private readonly Random _random;
        private readonly Slots[] _columns;
        private readonly Slots<DataViewRowId> _ids;
        private readonly int _poolSize;
        private int _count;
        private int _current = -1;

        public Cursor(DataViewRowCursor input, bool[] active, int poolSize, Random random)
        {
            _input = input;
            _active = active;
            _poolSize = poolSize;
            _random = random;
            _columns = [.. input.Schema.Select(c => active[c.Index] ? (Slots)Generic.Invoke(Create<int>, c.Type.RawType, input, c) : null)];
            _ids = new Slots<DataViewRowId>(input.GetIdGetter());
        }

        private static Slots Create<T>(DataViewRow row, DataViewSchema.Column column) => new Slots<T>(row.GetGetter<T>(column));

        public override DataViewSchema Schema => _input.Schema;
        public override long Batch => 0;
        public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];

        protected override bool MoveNextCore()
        {
            if (_current < 0)
            {
                while (_count < _poolSize && _input.MoveNext())
                    Fill(_count++);
            }
            else if (_input.MoveNext())
                Fill(_current);
            else
            {
                _count--;
                foreach (Slots column in _columns)
                    column?.Move(_count, _current);
                _ids.Move(_count, _current);
            }
            if (_count == 0)
                return false;
            _current = _random.Next(_count);
            return true;
        }

        private void Fill(int slot)
        {
            foreach (Slots column in _columns)
                column?.Fill(slot);
            _ids.Fill(slot);
        }

        private int Current()
        {
            CheckGood();
            return _current;
        }

        public override ValueGetter<DataViewRowId> GetIdGetter() => _ids.CreateGetter(Current);

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column))
                throw Getters.Inactive(column);
            return (_columns[column.Index] as Slots<TValue> ?? throw Getters.WrongType<TValue>(column)).CreateGetter(Current);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _input.Dispose();
            base.Dispose(disposing);
        }
    }

    private abstract class Slots
    {
        public abstract void Fill(int slot);
        public abstract void Move(int from, int to);
    }

    private sealed class Slots<T>(ValueGetter<T> getter) : Slots
    {
        private readonly List<T> _values = [];

        public override void Fill(int slot)
        {
            T value = slot < _values.Count ? _values[slot] : default;
            getter(ref value);
            if (slot < _values.Count)
                _values[slot] = value;
            else
                _values.Add(value);
        }

        public override void Move(int from, int to) => (_values[to], _values[from]) = (_values[from], _values[to]);

        // The reader of a vector may write into what it got: it gets a copy.
        public ValueGetter<T> CreateGetter(Func<int> slot) => typeof(T).IsGenericType && typeof(T).GetGenericTypeDefinition() == typeof(VBuffer<>)
            ? (ValueGetter<T>)Generic.Invoke(CopyingGetter<int>, typeof(T).GetGenericArguments()[0], this, slot)
            : (ref T value) => value = _values[slot()];

        private static ValueGetter<VBuffer<TItem>> CopyingGetter<TItem>(Slots<VBuffer<TItem>> slots, Func<int> slot) =>
            (ref VBuffer<TItem> value) => slots._values[slot()].CopyTo(ref value);
    }
}
