using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Rows;

/// <summary>A transformer's computation for one input schema: the column that it reads, the columns that it adds, and their getters.</summary>
/// <param name="text">The input column of the documents, which every added column needs.</param>
/// <param name="outputColumns">The columns that are added after those of the input.</param>
internal abstract class RowMapping(DataViewSchema.Column text, params IReadOnlyList<DataViewSchema.DetachedColumn> outputColumns)
{
    /// <summary>The input column of the documents, which every added column needs.</summary>
    public DataViewSchema.Column Text => text;

    /// <summary>The columns that are added after those of the input.</summary>
    public IReadOnlyList<DataViewSchema.DetachedColumn> OutputColumns => outputColumns;

    /// <summary>Whether several documents take less time together than one at a time.</summary>
    public virtual bool BenefitsFromBatching => true;

    /// <summary>Creates the getters of a window's current row, one per added column. They may share results.</summary>
    public abstract Delegate[] CreateGetters(ITextWindow window);
}

/// <summary>A mapping as ML.NET's row-to-row mapper.</summary>
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

    /// <summary>The schema with the added columns, one object for all rows and views, since a prediction engine compares schemas by reference.</summary>
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
        => new MappedRow(this, input, ActiveColumns(activeColumns));

    /// <summary>Returns for each output column whether it is active.</summary>
    public bool[] ActiveColumns(IEnumerable<DataViewSchema.Column> columns)
    {
        bool[] active = new bool[OutputSchema.Count];
        foreach (var column in columns)
            active[column.Index] = true;
        return active;
    }

    /// <summary>Creates the getters of the added columns, or returns null if none of them is active.</summary>
    public Delegate[]? CreateGetters(DataViewRow input, bool[] active)
        => HasActiveOutput(active) ? _mapping.CreateGetters(input as ITextWindow ?? new TextRow(input, _mapping.Text)) : null;

    /// <summary>Creates cursors with the added columns. They read ahead if that saves time and every column can be copied.</summary>
    /// <param name="active">For each output column, whether it is read.</param>
    /// <param name="open">Opens cursors over the columns of the source that are needed.</param>
    public DataViewRowCursor[] GetCursors(bool[] active, Func<IEnumerable<DataViewSchema.Column>, DataViewRowCursor[]> open)
    {
        var columns = GetDependencies(OutputSchema.Where(column => active[column.Index])).ToList();
        bool readsAhead = HasActiveOutput(active) && _mapping.BenefitsFromBatching && columns.All(column => ColumnBuffer.CanHold(column.Type.RawType));
        return
        [
            .. open(columns).Select(input => new MappedCursor(this, readsAhead ? new LookaheadCursor(input, columns, _mapping.Text) : input, active)),
        ];
    }

    private bool HasActiveOutput(bool[] active) => active.AsSpan(InputSchema.Count).Contains(true);
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

/// <summary>The columns of a mapped row. Those of the input are passed through; the added ones have their own getters.</summary>
internal sealed class MappedColumns(RowToRowMapper mapper, DataViewRow input, bool[] active)
{
    private readonly Delegate[]? _getters = mapper.CreateGetters(input, active);

    public bool IsActive(DataViewSchema.Column column)
    {
        Check(column);
        return active[column.Index];
    }

    public ValueGetter<TValue> Getter<TValue>(DataViewSchema.Column column)
    {
        Check(column);
        if (!active[column.Index])
        {
            throw new ArgumentOutOfRangeException(
                nameof(column),
                $"Column '{column.Name}' must be active to be read, but was not requested when the cursor was created. Add it to the active columns.");
        }
        if (column.Index < mapper.InputSchema.Count)
            return input.GetGetter<TValue>(mapper.InputSchema[column.Index]);
        return _getters![column.Index - mapper.InputSchema.Count] as ValueGetter<TValue>
            ?? throw new InvalidOperationException($"Column '{column.Name}' holds {column.Type}, which cannot be read as {typeof(TValue)}.");
    }

    private void Check(DataViewSchema.Column column)
    {
        if (column.Index >= mapper.OutputSchema.Count || column.Name != mapper.OutputSchema[column.Index].Name)
        {
            throw new ArgumentException(
                $"A column must be one of this row's schema, but '{column.Name}' at index {column.Index} is not. Take it from the schema of the row.",
                nameof(column));
        }
    }
}

/// <summary>A lazy view with the added columns.</summary>
internal sealed class MappedDataView(IDataView source, RowToRowMapper mapper) : IDataView
{
    public DataViewSchema Schema => mapper.OutputSchema;

    public bool CanShuffle => source.CanShuffle;

    public long? GetRowCount() => source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
        => mapper.GetCursors(mapper.ActiveColumns(columnsNeeded), columns => [source.GetRowCursor(columns, rand!)])[0];

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
        => mapper.GetCursors(mapper.ActiveColumns(columnsNeeded), columns => source.GetRowCursorSet(columns, n, rand!));
}
