namespace Microsoft.ML.Data;

// The rows of a source for which a test, made anew for each cursor, holds.
internal sealed class FilterView(IDataView source, DataViewSchema.Column? tested, bool canShuffle, Func<DataViewRow, Func<bool>> test) : IDataView
{
    public bool CanShuffle => canShuffle;
    public DataViewSchema Schema => source.Schema;
    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = Getters.Active(Schema, columnsNeeded);
        DataViewRowCursor input = source.GetRowCursor(Schema.Where(c => active[c.Index] || c.Index == tested?.Index), canShuffle ? rand : null);
        return new Cursor(input, active, test(input));
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(DataViewRowCursor input, bool[] active, Func<bool> accept) : RootCursorBase
    {
        public override DataViewSchema Schema => input.Schema;
        public override long Batch => input.Batch;
        public override bool IsColumnActive(DataViewSchema.Column column) => active[column.Index];
        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

        protected override bool MoveNextCore()
        {
            while (input.MoveNext())
                if (accept())
                    return true;
            return false;
        }

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (!IsColumnActive(column))
                throw Getters.Inactive(column);
            return input.GetGetter<TValue>(column);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                input.Dispose();
            base.Dispose(disposing);
        }
    }
}

// Leaves out the first rows, and all after a number of them.
internal sealed class SkipTakeView(IDataView source, long skip, long take) : IDataView
{
    public bool CanShuffle => false;
    public DataViewSchema Schema => source.Schema;
    public long? GetRowCount() => source.GetRowCount() is long rows ? Math.Clamp(rows - skip, 0, take) : null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) => new Cursor(source.GetRowCursor(columnsNeeded), skip, take);

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

    private sealed class Cursor(DataViewRowCursor input, long skip, long take) : RootCursorBase
    {
        private long _skipped;

        public override DataViewSchema Schema => input.Schema;
        public override long Batch => input.Batch;
        public override bool IsColumnActive(DataViewSchema.Column column) => input.IsColumnActive(column);
        public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();
        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => input.GetGetter<TValue>(column);

        protected override bool MoveNextCore()
        {
            for (; _skipped < skip; _skipped++)
                if (!input.MoveNext())
                    return false;
            return Position + 1 < take && input.MoveNext();
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                input.Dispose();
            base.Dispose(disposing);
        }
    }
}
