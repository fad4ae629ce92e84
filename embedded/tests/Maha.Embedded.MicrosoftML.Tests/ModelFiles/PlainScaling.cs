using Maha.Embedded.MicrosoftML.Tests.ModelFiles;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(typeof(ITransformer), typeof(PlainScaling), null, typeof(SignatureLoadModel), "Plain scaling", PlainScaling.LoaderSignature)]

namespace Maha.Embedded.MicrosoftML.Tests.ModelFiles;

/// <summary>A transformer as a library outside ML.NET writes it: with its own rows, its own stream in the model file, and a loader found by name.</summary>
public sealed class PlainScaling : ITransformer, IDisposable
{
    public const string LoaderSignature = "PlainScalingTest";
    public const string Blob = "Weights.bin";

    private static readonly VersionInfo s_version = new("PLNSCALE", 0x00010002, 0x00010001, 0x00010001, typeof(PlainScaling).Assembly.FullName!, LoaderSignature);

    private readonly IHost _host;
    private readonly string _input, _output;

    public PlainScaling(IHostEnvironment env, string output, string input, float factor)
    {
        _host = env.Register(nameof(PlainScaling));
        (_output, _input, Factor) = (output, input, factor);
    }

    public float Factor { get; private set; }
    public bool Disposed { get; private set; }
    public bool IsRowToRowMapper => true;

    private static ITransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(s_version);
        string output = ctx.LoadNonEmptyString();
        string input = ctx.LoadNonEmptyString();
        float factor = float.NaN;
        if (!ctx.TryLoadBinaryStream(Blob, reader => factor = reader.ReadSingle()))
            throw new FormatException("The weights are missing.");
        return new PlainScaling(env, output, input, factor);
    }

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(s_version);
        ctx.SaveNonEmptyString(_output);
        ctx.SaveNonEmptyString(_input);
        ctx.SaveBinaryStream(Blob, writer => writer.Write(Factor));
    }

    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        DataViewSchema.Column? column = inputSchema.GetColumnOrNull(_input);
        if (column?.Type != NumberDataViewType.Single)
            throw new ArgumentOutOfRangeException(nameof(inputSchema), $"'{_input}' must be a Single column.");
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(inputSchema);
        builder.AddColumn(_output, NumberDataViewType.Single);
        return builder.ToSchema();
    }

    public IDataView Transform(IDataView input) => new View(this, input);

    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => new Mapper(this, inputSchema);

    public void Dispose() => Disposed = true;

    private sealed class View(PlainScaling parent, IDataView source) : IDataView
    {
        public bool CanShuffle => source.CanShuffle;
        public DataViewSchema Schema { get; } = parent.GetOutputSchema(source.Schema);

        public long? GetRowCount() => source.GetRowCount();

        public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
        {
            DataViewSchema.Column[] needed = [.. columnsNeeded];
            IEnumerable<DataViewSchema.Column> sources = source.Schema.Where(c => c.Name == parent._input || needed.Any(n => n.Index == c.Index));
            return new Cursor(parent, source.GetRowCursor(sources, rand), Schema);
        }

        public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null) => [GetRowCursor(columnsNeeded, rand)];
    }

    private static Delegate Scaled(PlainScaling parent, DataViewRow source)
    {
        ValueGetter<float> getter = source.GetGetter<float>(source.Schema[parent._input]);
        ValueGetter<float> scaled = (ref float value) =>
        {
            getter(ref value);
            value *= parent.Factor;
        };
        return scaled;
    }

    private sealed class Cursor(PlainScaling parent, DataViewRowCursor source, DataViewSchema schema) : DataViewRowCursor
    {
        public override DataViewSchema Schema => schema;
        public override long Position => source.Position;
        public override long Batch => source.Batch;

        public override bool MoveNext() => source.MoveNext();

        public override bool IsColumnActive(DataViewSchema.Column column) => column.Index == source.Schema.Count || source.IsColumnActive(source.Schema[column.Index]);

        public override ValueGetter<DataViewRowId> GetIdGetter() => source.GetIdGetter();

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            column.Index == source.Schema.Count ? (ValueGetter<TValue>)Scaled(parent, source) : source.GetGetter<TValue>(source.Schema[column.Index]);

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                source.Dispose();
            base.Dispose(disposing);
        }
    }

    private sealed class Mapper(PlainScaling parent, DataViewSchema inputSchema) : IRowToRowMapper
    {
        public DataViewSchema InputSchema => inputSchema;
        public DataViewSchema OutputSchema { get; } = parent.GetOutputSchema(inputSchema);

        public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) => inputSchema;

        public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns) => new MappedRow(parent, input, OutputSchema);
    }

    private sealed class MappedRow(PlainScaling parent, DataViewRow source, DataViewSchema schema) : DataViewRow
    {
        public override DataViewSchema Schema => schema;
        public override long Position => source.Position;
        public override long Batch => source.Batch;

        public override bool IsColumnActive(DataViewSchema.Column column) => true;

        public override ValueGetter<DataViewRowId> GetIdGetter() => source.GetIdGetter();

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) =>
            column.Index == source.Schema.Count ? (ValueGetter<TValue>)Scaled(parent, source) : source.GetGetter<TValue>(source.Schema[column.Index]);
    }
}
