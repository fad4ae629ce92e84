using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Rows;

/// <summary>
/// What a transformer computes from one row, bound to one input schema: the columns it adds, the columns it reads,
/// and the getters of a row.
/// </summary>
internal abstract class RowMapping
{
    /// <summary>The columns that are added behind those of the input.</summary>
    public abstract IReadOnlyList<DataViewSchema.DetachedColumn> OutputColumns { get; }

    /// <summary>The input column that every output needs: the documents.</summary>
    public abstract DataViewSchema.Column Text { get; }

    /// <summary>Whether documents that are computed together take less time than one after the other.</summary>
    public virtual bool ComputesTogether => true;

    /// <summary>The getters of a window's present row, one an output column. They may share what they compute.</summary>
    public abstract Delegate[] CreateGetters(ITextWindow window);
}

/// <summary>A mapping over one input schema as ML.NET's row-to-row mapper, and the schemas that go with it.</summary>
internal sealed class RowToRowMapper : IRowToRowMapper
{
    private readonly RowMapping _mapping;

    public RowToRowMapper(DataViewSchema inputSchema, RowMapping mapping)
    {
        _mapping = mapping;
        InputSchema = inputSchema;
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(inputSchema);
        builder.AddColumns(mapping.OutputColumns);
        OutputSchema = builder.ToSchema();
    }

    public DataViewSchema InputSchema { get; }

    /// <summary>One object for all rows and views: a prediction engine compares schemas by reference.</summary>
    public DataViewSchema OutputSchema { get; }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
    {
        bool[] needed = new bool[InputSchema.Count];
        foreach (var column in dependingColumns)
        {
            if (column.Index < needed.Length)
                needed[column.Index] = true;
            else
                needed[_mapping.Text.Index] = true;
        }
        return InputSchema.Where(column => needed[column.Index]);
    }

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
        => new MappedRow(this, input, Active(activeColumns));

    public bool[] Active(IEnumerable<DataViewSchema.Column> columns)
    {
        bool[] active = new bool[OutputSchema.Count];
        foreach (var column in columns)
            active[column.Index] = true;
        return active;
    }

    /// <summary>The getters of the added columns, or null where none of them is active.</summary>
    public Delegate[]? GettersOf(DataViewRow input, bool[] active)
        => Computes(active) ? _mapping.CreateGetters(input as ITextWindow ?? new TextRow(input, _mapping.Text)) : null;

    /// <summary>A cursor with the added columns. It reads ahead where that is of use, and where no column is in the way.</summary>
    /// <param name="active">The columns that are read.</param>
    /// <param name="open">Opens cursors over the source's columns that they need.</param>
    public DataViewRowCursor[] GetCursors(bool[] active, Func<IEnumerable<DataViewSchema.Column>, DataViewRowCursor[]> open)
    {
        var columns = GetDependencies(OutputSchema.Where(column => active[column.Index])).ToList();
        bool readsAhead = Computes(active) && _mapping.ComputesTogether && columns.All(column => ColumnBuffer.CanHold(column.Type.RawType));
        return [.. open(columns).Select(input => new MappedCursor(this, readsAhead ? new LookaheadCursor(input, columns, _mapping.Text) : input, active))];
    }

    private bool Computes(bool[] active) => active.AsSpan(InputSchema.Count).Contains(true);
}

/// <summary>A row with the added columns.</summary>
internal sealed class MappedRow(RowToRowMapper mapper, DataViewRow input, bool[] active) : DataViewRow
{
    private readonly MappedColumns _columns = new(mapper, input, active);

    public override DataViewSchema Schema => mapper.OutputSchema;

    public override long Position => input.Position;

    public override long Batch => input.Batch;

    public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => _columns.IsActive(column);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _columns.Getter<TValue>(column);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            input.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>A cursor over rows with the added columns.</summary>
internal sealed class MappedCursor(RowToRowMapper mapper, DataViewRowCursor input, bool[] active) : DataViewRowCursor
{
    private readonly MappedColumns _columns = new(mapper, input, active);

    public override DataViewSchema Schema => mapper.OutputSchema;

    public override long Position => input.Position;

    public override long Batch => input.Batch;

    public override bool MoveNext() => input.MoveNext();

    public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();

    public override bool IsColumnActive(DataViewSchema.Column column) => _columns.IsActive(column);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => _columns.Getter<TValue>(column);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            input.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>The columns of a mapped row: those of the input pass through, the added ones have getters of their own.</summary>
internal sealed class MappedColumns(RowToRowMapper mapper, DataViewRow input, bool[] active)
{
    private readonly Delegate[]? _getters = mapper.GettersOf(input, active);

    public bool IsActive(DataViewSchema.Column column)
    {
        Check(column);
        return active[column.Index];
    }

    public ValueGetter<TValue> Getter<TValue>(DataViewSchema.Column column)
    {
        Check(column);
        if (!active[column.Index])
            throw new ArgumentOutOfRangeException(nameof(column), $"Column '{column.Name}' was not asked for when the cursor was made. Add it to the active columns.");
        if (column.Index < mapper.InputSchema.Count)
            return input.GetGetter<TValue>(mapper.InputSchema[column.Index]);
        return _getters![column.Index - mapper.InputSchema.Count] as ValueGetter<TValue>
            ?? throw new InvalidOperationException($"Column '{column.Name}' holds {column.Type}, which cannot be read as {typeof(TValue)}.");
    }

    private void Check(DataViewSchema.Column column)
    {
        if (column.Index >= mapper.OutputSchema.Count || column.Name != mapper.OutputSchema[column.Index].Name)
            throw new ArgumentException($"Column '{column.Name}' at {column.Index} is not of this row's schema.", nameof(column));
    }
}

/// <summary>A lazy view with the added columns.</summary>
internal sealed class MappedDataView(IDataView source, RowToRowMapper mapper) : IDataView
{
    public DataViewSchema Schema => mapper.OutputSchema;

    public bool CanShuffle => source.CanShuffle;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
        => mapper.GetCursors(mapper.Active(columnsNeeded), columns => [source.GetRowCursor(columns, rand!)])[0];

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
        => mapper.GetCursors(mapper.Active(columnsNeeded), columns => source.GetRowCursorSet(columns, n, rand!));
}
