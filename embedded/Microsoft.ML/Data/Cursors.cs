using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

// Counts rows, and asks the derived class for the next one until there is none.
internal abstract class RootCursorBase : DataViewRowCursor
{
    private enum State { NotStarted, Good, Done }
    private State _state;
    private long _position = -1;

    public sealed override long Position => _position;
    protected bool IsGood => _state == State.Good;

    public sealed override bool MoveNext()
    {
        if (_state == State.Done)
            return false;
        if (MoveNextCore())
        {
            _position++;
            _state = State.Good;
            return true;
        }
        _state = State.Done;
        _position = -1;
        return false;
    }

    protected abstract bool MoveNextCore();

    protected void CheckGood() => Contracts.Check(IsGood, Getters.FetchValueStateError);

    protected override void Dispose(bool disposing)
    {
        if (_state != State.Done)
        {
            _state = State.Done;
            _position = -1;
        }
        base.Dispose(disposing);
    }
}

// Passes rows on, with other columns.
internal abstract class SynchronizedCursorBase(DataViewRowCursor input) : DataViewRowCursor
{
    protected DataViewRowCursor Input { get; } = input;
    public sealed override long Position => Input.Position;
    public sealed override long Batch => Input.Batch;
    public sealed override bool MoveNext() => Input.MoveNext();
    public sealed override ValueGetter<DataViewRowId> GetIdGetter() => Input.GetIdGetter();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Input.Dispose();
        base.Dispose(disposing);
    }
}

internal static class Getters
{
    public const string FetchValueStateError = "Values cannot be fetched at this time. This method was called either before the first call to MoveNext, or at any point after that method returned false.";

    public static ValueGetter<TValue> Cast<TValue>(Delegate getter, DataViewSchema.Column column) =>
        getter as ValueGetter<TValue> ?? throw WrongType<TValue>(column);

    public static Exception WrongType<TValue>(DataViewSchema.Column column) =>
        Contracts.Except($"Invalid TValue in GetGetter: '{typeof(TValue)}', expected type: '{column.Type.RawType}' (column '{column.Name}').");

    public static Exception Inactive(DataViewSchema.Column column) =>
        Contracts.ExceptParam(nameof(column), $"The column '{column.Name}' is not active: ask for it when the cursor is made.");

    public static bool[] Active(DataViewSchema schema, IEnumerable<DataViewSchema.Column> columnsNeeded)
    {
        Contracts.CheckValue(columnsNeeded, nameof(columnsNeeded));
        var active = new bool[schema.Count];
        foreach (DataViewSchema.Column column in columnsNeeded)
        {
            Contracts.CheckParam(column.Index < schema.Count && schema[column.Index].Name == column.Name, nameof(columnsNeeded), $"The schema has no column '{column.Name}' at index {column.Index}.");
            active[column.Index] = true;
        }
        return active;
    }
}

internal sealed class EmptyDataView(DataViewSchema schema) : IDataView
{
    public bool CanShuffle => true;
    public DataViewSchema Schema { get; } = schema;
    public long? GetRowCount() => 0;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) =>
        new Cursor(Schema, Getters.Active(Schema, columnsNeeded));

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(DataViewSchema schema, bool[] active) : RootCursorBase
    {
        public override DataViewSchema Schema => schema;
        public override long Batch => 0;
        public override bool IsColumnActive(DataViewSchema.Column column) => active[column.Index];
        protected override bool MoveNextCore() => false;
        public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId _) => CheckGood();

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column))
                throw Getters.Inactive(column);
            if (column.Type.RawType != typeof(TValue))
                throw Getters.WrongType<TValue>(column);
            return (ref TValue _) => CheckGood();
        }
    }
}
