using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(ColumnSelectingTransformer), null, typeof(SignatureLoadModel), "Select Columns Transform", ColumnSelectingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

public sealed class ColumnSelectingEstimator : TrivialEstimator<ColumnSelectingTransformer>
{
    internal ColumnSelectingEstimator(IHostEnvironment env, bool keep, string[] columns, bool keepHidden)
        : base(env.Register(nameof(ColumnSelectingEstimator)), new ColumnSelectingTransformer(env, keep, columns, keepHidden, ignoreMissing: false))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        Transformer.CheckColumns(inputSchema.Select(c => c.Name), nameof(inputSchema));
        return new SchemaShape(inputSchema.Where(c => Transformer.Keeps(c.Name)));
    }
}

public sealed class ColumnSelectingTransformer : ITransformer
{
    internal const string LoaderSignature = "SelectColumnsTransform";
    private static readonly VersionInfo s_version = new("SELCOLST", 0x00010001, 0x00010001, 0x00010001, ModelFile.DataAssembly, LoaderSignature);

    private readonly IHost _host;
    private readonly bool _keep;
    private readonly string[] _columns;
    private readonly bool _keepHidden;
    private readonly bool _ignoreMissing;

    internal ColumnSelectingTransformer(IHostEnvironment env, bool keep, string[] columns, bool keepHidden, bool ignoreMissing)
    {
        _host = env.Register(nameof(ColumnSelectingTransformer));
        _host.Check(columns is { Length: > 0 }, "Neither keepColumns and dropColumns is set. Exactly one must be specified.");
        _keep = keep;
        _columns = columns;
        _keepHidden = keepHidden;
        _ignoreMissing = ignoreMissing;
    }

    // bytes keep (else drop), keepHidden, ignoreMissing; int count, the names.
    private static ColumnSelectingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(s_version);
        bool keep = ctx.Reader.ReadBoolean(), keepHidden = ctx.Reader.ReadBoolean(), ignoreMissing = ctx.Reader.ReadBoolean();
        int count = ctx.Reader.ReadInt32();
        var columns = new List<string>();
        for (int i = 0; i < count; i++)
            columns.Add(ctx.LoadNonEmptyString());
        return new ColumnSelectingTransformer(env, keep, [.. columns], keepHidden, ignoreMissing);
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ctx.SetVersionInfo(s_version);
        ctx.Writer.Write(_keep);
        ctx.Writer.Write(_keepHidden);
        ctx.Writer.Write(_ignoreMissing);
        ctx.Writer.Write(_columns.Length);
        foreach (string column in _columns)
            ctx.SaveNonEmptyString(column);
    }

    internal bool Keeps(string column) => _columns.Contains(column) == _keep;

    internal void CheckColumns(IEnumerable<string> existing, string paramName)
    {
        string[] missing = _ignoreMissing ? [] : [.. _columns.Except(existing)];
        if (missing.Length > 0)
            throw _host.ExceptSchemaMismatch(paramName, "input", string.Join(",", missing));
    }

    bool ITransformer.IsRowToRowMapper => true;

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => Bind(new EmptyDataView(Contracts.CheckRef(inputSchema, nameof(inputSchema))), nameof(inputSchema)).OutputSchema;

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema) => Bind(new EmptyDataView(Contracts.CheckRef(inputSchema, nameof(inputSchema))), nameof(inputSchema));

    public IDataView Transform(IDataView input) => Bind(Contracts.CheckRef(input, nameof(input)), nameof(input));

    private SelectedColumns Bind(IDataView input, string paramName)
    {
        CheckColumns(input.Schema.Select(c => c.Name), paramName);
        // Kept columns come in the order of their selection, remaining ones in that of the input.
        IEnumerable<DataViewSchema.Column> selected = _keep
            ? _columns.Distinct().SelectMany(name => input.Schema.Where(c => c.Name == name && (_keepHidden || !c.IsHidden)))
            : input.Schema.Where(c => Keeps(c.Name));
        return new SelectedColumns(input, [.. selected.Select(c => c.Index)]);
    }

    private sealed class SelectedColumns : IDataView, IRowToRowMapper
    {
        private readonly IDataView _source;
        private readonly int[] _map;

        public SelectedColumns(IDataView source, int[] map)
        {
            _source = source;
            _map = map;
            var schema = new DataViewSchema.Builder();
            schema.AddColumns(map.Select(i => source.Schema[i]));
            OutputSchema = schema.ToSchema();
        }

        public bool CanShuffle => _source.CanShuffle;
        public DataViewSchema InputSchema => _source.Schema;
        public DataViewSchema OutputSchema { get; }
        public DataViewSchema Schema => OutputSchema;
        public long? GetRowCount() => _source.GetRowCount();

        public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) =>
            dependingColumns.Select(c => _map[c.Index]).Distinct().Order().Select(i => InputSchema[i]);

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
        {
            bool[] active = Getters.Active(Schema, columnsNeeded);
            return new Cursor(this, _source.GetRowCursor(GetDependencies(Schema.Where(c => active[c.Index])), rand), active);
        }

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];

        public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns) => new Row(this, input);

        private sealed class Cursor(SelectedColumns parent, DataViewRowCursor input, bool[] active) : SynchronizedCursorBase(input)
        {
            public override DataViewSchema Schema => parent.Schema;
            public override bool IsColumnActive(DataViewSchema.Column column) => active[column.Index];

            public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
            {
                if (!IsColumnActive(column))
                    throw Getters.Inactive(column);
                return Input.GetGetter<TValue>(parent.InputSchema[parent._map[column.Index]]);
            }
        }

        private sealed class Row(SelectedColumns parent, DataViewRow input) : DataViewRow
        {
            public override long Position => input.Position;
            public override long Batch => input.Batch;
            public override DataViewSchema Schema => parent.Schema;
            public override ValueGetter<DataViewRowId> GetIdGetter() => input.GetIdGetter();
            public override bool IsColumnActive(DataViewSchema.Column column) => input.IsColumnActive(parent.InputSchema[parent._map[column.Index]]);
            public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => input.GetGetter<TValue>(parent.InputSchema[parent._map[column.Index]]);

            protected override void Dispose(bool disposing)
            {
                if (disposing)
                    input.Dispose();
                base.Dispose(disposing);
            }
        }
    }
}
