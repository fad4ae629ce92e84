using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

// Computes columns of a row from other columns of the same row: what a row-to-row transformer is, once bound to a schema.
internal abstract class RowMapper(DataViewSchema inputSchema)
{
    private DataViewSchema.DetachedColumn[] _outputColumns;

    public DataViewSchema InputSchema { get; } = inputSchema;

    public DataViewSchema.DetachedColumn[] OutputColumns => _outputColumns ??= GetOutputColumns();

    protected abstract DataViewSchema.DetachedColumn[] GetOutputColumns();

    // The input columns that this output is computed from.
    public abstract IEnumerable<int> GetDependencies(int output);

    // A ValueGetter of the output's raw type. The disposer, null if there is nothing to do, runs with the row's disposal.
    public abstract Delegate CreateGetter(DataViewRow input, int output, out Action disposer);

    // The getters of the active outputs, null for the others: for mappers whose outputs share work.
    public virtual Delegate[] CreateGetters(DataViewRow input, Func<int, bool> isActive, out Action disposer)
    {
        var getters = new Delegate[OutputColumns.Length];
        disposer = null;
        for (int i = 0; i < getters.Length; i++)
            if (isActive(i))
            {
                getters[i] = CreateGetter(input, i, out Action one);
                disposer += one;
            }
        return getters;
    }
}

public abstract class RowToRowTransformerBase : ITransformer
{
    private protected readonly IHost Host;

    private protected RowToRowTransformerBase(IHost host)
    {
        Host = Contracts.CheckRef(host, nameof(host));
    }

    void ICanSaveModel.Save(ModelSaveContext ctx) => SaveModel(ctx);

    private protected abstract void SaveModel(ModelSaveContext ctx);

    bool ITransformer.IsRowToRowMapper => true;

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        return new RowToRowMapperTransform(new EmptyDataView(inputSchema), MakeRowMapper(inputSchema));
    }

    private protected abstract RowMapper MakeRowMapper(DataViewSchema schema);

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        return new ColumnBindings(inputSchema, MakeRowMapper(inputSchema).OutputColumns).Schema;
    }

    public IDataView Transform(IDataView input)
    {
        Host.CheckValue(input, nameof(input));
        return new RowToRowMapperTransform(input, MakeRowMapper(input.Schema));
    }
}

public abstract class OneToOneTransformerBase : RowToRowTransformerBase
{
    internal readonly (string outputColumnName, string inputColumnName)[] ColumnPairs;

    private protected OneToOneTransformerBase(IHost host, params (string outputColumnName, string inputColumnName)[] columns) : base(host)
    {
        host.CheckValue(columns, nameof(columns));
        var names = new HashSet<string>();
        foreach ((string output, string input) in columns)
        {
            host.CheckNonEmpty(input, nameof(columns));
            host.CheckNonEmpty(output, nameof(columns));
            host.CheckParam(names.Add(output), nameof(columns), $"Name of the result column '{output}' specified multiple times");
        }
        ColumnPairs = columns;
    }

    // int count, then per column the string ids of output and input name.
    private protected OneToOneTransformerBase(IHost host, ModelLoadContext ctx) : base(host)
    {
        int count = ctx.Reader.ReadInt32();
        host.CheckDecode(count >= 0, $"Corrupt model: {count} columns.");
        var pairs = new List<(string, string)>();
        for (int i = 0; i < count; i++)
            pairs.Add((ctx.LoadNonEmptyString(), ctx.LoadNonEmptyString()));
        ColumnPairs = [.. pairs];
    }

    private protected void SaveColumns(ModelSaveContext ctx)
    {
        ctx.Writer.Write(ColumnPairs.Length);
        foreach ((string output, string input) in ColumnPairs)
        {
            ctx.SaveNonEmptyString(output);
            ctx.SaveNonEmptyString(input);
        }
    }

    private protected virtual void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
    {
    }

    internal abstract class OneToOneMapper : RowMapper
    {
        protected readonly IHost Host;
        protected readonly DataViewSchema.Column[] Sources;

        protected OneToOneMapper(OneToOneTransformerBase parent, DataViewSchema inputSchema) : base(inputSchema)
        {
            Host = parent.Host;
            Sources = new DataViewSchema.Column[parent.ColumnPairs.Length];
            for (int i = 0; i < Sources.Length; i++)
            {
                string name = parent.ColumnPairs[i].inputColumnName;
                Sources[i] = inputSchema.GetColumnOrNull(name) ?? throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", name);
                parent.CheckInputColumn(inputSchema, i, Sources[i].Index);
            }
        }

        public override IEnumerable<int> GetDependencies(int output) => [Sources[output].Index];
    }
}

public abstract class TrivialEstimator<TTransformer> : IEstimator<TTransformer> where TTransformer : class, ITransformer
{
    private protected readonly IHost Host;
    private protected readonly TTransformer Transformer;

    private protected TrivialEstimator(IHost host, TTransformer transformer)
    {
        Host = Contracts.CheckRef(host, nameof(host));
        Transformer = transformer;
    }

    public TTransformer Fit(IDataView input)
    {
        Host.CheckValue(input, nameof(input));
        // Reports schema errors now rather than with the first row.
        Transformer.GetOutputSchema(input.Schema);
        return Transformer;
    }

    public abstract SchemaShape GetOutputSchema(SchemaShape inputSchema);
}
