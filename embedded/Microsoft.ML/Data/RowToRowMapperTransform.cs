using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

// Where the columns of a mapped row come from. An added column follows the last input column of its name, which it hides; else it comes last.
internal sealed class ColumnBindings
{
    private readonly int[] _map;

    public ColumnBindings(DataViewSchema input, DataViewSchema.DetachedColumn[] added)
    {
        var map = Enumerable.Range(0, input.Count).ToList();
        string NameAt(int i) => map[i] >= 0 ? input[map[i]].Name : added[~map[i]].Name;
        for (int i = 0; i < added.Length; i++)
        {
            int at = map.Count - 1;
            while (at >= 0 && NameAt(at) != added[i].Name)
                at--;
            map.Insert(at < 0 ? map.Count : at + 1, ~i);
        }
        _map = [.. map];
        var schema = new DataViewSchema.Builder();
        schema.AddColumns(map.Select(i => i >= 0 ? new DataViewSchema.DetachedColumn(input[i]) : added[~i]));
        Schema = schema.ToSchema();
    }

    public DataViewSchema Schema { get; }

    public bool IsSource(int column, out int index)
    {
        index = _map[column];
        bool isSource = index >= 0;
        if (!isSource)
            index = ~index;
        return isSource;
    }
}

internal sealed class RowToRowMapperTransform : IDataView, IRowToRowMapper
{
    private readonly IDataView _source;
    private readonly RowMapper _mapper;
    private readonly ColumnBindings _bindings;

    public RowToRowMapperTransform(IDataView source, RowMapper mapper)
    {
        _source = source;
        _mapper = mapper;
        _bindings = new ColumnBindings(source.Schema, mapper.OutputColumns);
    }

    public bool CanShuffle => _source.CanShuffle;
    public DataViewSchema Schema => _bindings.Schema;
    public DataViewSchema InputSchema => _source.Schema;
    public DataViewSchema OutputSchema => _bindings.Schema;
    public long? GetRowCount() => _source.GetRowCount();

    private IEnumerable<DataViewSchema.Column> InputsOf(bool[] active)
    {
        var needed = new bool[InputSchema.Count];
        for (int i = 0; i < active.Length; i++)
        {
            if (!active[i])
                continue;
            if (_bindings.IsSource(i, out int index))
                needed[index] = true;
            else
                foreach (int input in _mapper.GetDependencies(index))
                    needed[input] = true;
        }
        return InputSchema.Where(c => needed[c.Index]);
    }

    private Delegate[] CreateGetters(DataViewRow input, bool[] active, out Action disposer)
    {
        var needed = new bool[_mapper.OutputColumns.Length];
        for (int i = 0; i < active.Length; i++)
            if (active[i] && !_bindings.IsSource(i, out int index))
                needed[index] = true;
        return _mapper.CreateGetters(input, i => needed[i], out disposer);
    }

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = Getters.Active(Schema, columnsNeeded);
        return new Cursor(this, _source.GetRowCursor(InputsOf(active), rand), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) => InputsOf(Getters.Active(Schema, dependingColumns));

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        Contracts.CheckValue(input, nameof(input));
        Contracts.Check(ReferenceEquals(input.Schema, InputSchema), "Schema of input row must be the same as the schema the mapper is bound to");
        return new Row(this, input, Getters.Active(Schema, activeColumns));
    }

    private ValueGetter<TValue> GetGetter<TValue>(DataViewRow input, Delegate[] getters, DataViewSchema.Column column) =>
        _bindings.IsSource(column.Index, out int index)
            ? input.GetGetter<TValue>(InputSchema[index])
            : Getters.Cast<TValue>(getters[index] ?? throw Getters.Inactive(column), Schema[column.Index]);

    private sealed class Cursor : SynchronizedCursorBase
    {
        private readonly RowToRowMapperTransform _parent;
        private readonly bool[] _active;
        private readonly Delegate[] _getters;
        private Action _disposer;

        public Cursor(RowToRowMapperTransform parent, DataViewRowCursor input, bool[] active) : base(input)
        {
            _parent = parent;
            _active = active;
            _getters = parent.CreateGetters(input, active, out _disposer);
        }

        public override DataViewSchema Schema => _parent.Schema;
        public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column))
                throw Getters.Inactive(column);
            return _parent.GetGetter<TValue>(Input, _getters, column);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                Interlocked.Exchange(ref _disposer, null)?.Invoke();
            base.Dispose(disposing);
        }
    }

    private sealed class Row : DataViewRow
    {
        private readonly RowToRowMapperTransform _parent;
        private readonly DataViewRow _input;
        private readonly Delegate[] _getters;
        private Action _disposer;

        public Row(RowToRowMapperTransform parent, DataViewRow input, bool[] active)
        {
            _parent = parent;
            _input = input;
            _getters = parent.CreateGetters(input, active, out _disposer);
        }

        public override long Position => _input.Position;
        public override long Batch => _input.Batch;
        public override DataViewSchema Schema => _parent.Schema;
        public override ValueGetter<DataViewRowId> GetIdGetter() => _input.GetIdGetter();
        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _parent.GetGetter<TValue>(_input, _getters, column);

        public override bool IsColumnActive(DataViewSchema.Column column) =>
            _parent._bindings.IsSource(column.Index, out int index) ? _input.IsColumnActive(_parent.InputSchema[index]) : _getters[index] != null;

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                Interlocked.Exchange(ref _disposer, null)?.Invoke();
                _input.Dispose();
            }
            base.Dispose(disposing);
        }
    }
}
