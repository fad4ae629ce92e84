using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Text;
using Microsoft.ML.Transforms.Text;

[assembly: LoadableClass(typeof(NgramExtractingTransformer), null, typeof(SignatureLoadModel), "NGram Transform", NgramExtractingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms.Text;

public sealed class NgramExtractingEstimator : IEstimator<NgramExtractingTransformer>
{
    public enum WeightingCriteria
    {
        Tf = 0,
        Idf = 1,
        TfIdf = 2,
    }

    internal const int DefaultMaximumCount = 10000000;
    internal const string ExpectedColumnType = "vector of Key<UInt32>";

    private readonly IHost _host;
    private readonly (string Output, string Input) _column;
    private readonly WordBagEstimator.Options _options;

    internal NgramExtractingEstimator(IHostEnvironment env, string outputColumnName, string inputColumnName, WordBagEstimator.Options options)
    {
        _host = env.Register(nameof(NgramExtractingEstimator));
        _host.CheckNonEmpty(outputColumnName, nameof(outputColumnName));
        NgramDictionary.Limits(options);
        _column = (outputColumnName, inputColumnName ?? outputColumnName);
        _options = options;
    }

    public NgramExtractingTransformer Fit(IDataView input)
    {
        _host.CheckValue(input, nameof(input));
        var column = input.Schema.GetColumnOrNull(_column.Input) ?? throw _host.ExceptSchemaMismatch(nameof(input), "input", _column.Input);
        if (!IsValid(column.Type))
            throw _host.ExceptSchemaMismatch(nameof(input), "input", column.Name, ExpectedColumnType, column.Type.ToString());
        var ngrams = NgramPart.Create(_options, 32);
        var counter = new NgramCounter();
        var scratch = new uint[NgramDictionary.MaxSkipNgramLength];
        using var cursor = input.GetRowCursor([column]);
        var getter = cursor.GetGetter<VBuffer<uint>>(column);
        VBuffer<uint> keys = default;
        while (cursor.MoveNext())
        {
            _host.CheckAlive();
            getter(ref keys);
            ngrams.Train(keys.DenseValues().ToArray(), scratch, counter);
        }

        ngrams.EndTraining();
        return new NgramExtractingTransformer(_host, _column, _options, ngrams);
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        _host.CheckValue(inputSchema, nameof(inputSchema));
        if (!inputSchema.TryFindColumn(_column.Input, out var column))
            throw _host.ExceptSchemaMismatch(nameof(inputSchema), "input", _column.Input);
        if (column.Kind == SchemaShape.Column.VectorKind.Scalar || !column.IsKey || column.ItemType != NumberDataViewType.UInt32)
            throw _host.ExceptSchemaMismatch(nameof(inputSchema), "input", _column.Input, ExpectedColumnType, column.GetTypeString());
        var result = inputSchema.ToDictionary(c => c.Name);
        const SchemaShape.Column.VectorKind Vector = SchemaShape.Column.VectorKind.Vector;
        SchemaShape.Column[] annotations = column.NeedsSlotNames() ? [new(AnnotationUtils.Kinds.SlotNames, Vector, TextDataViewType.Instance, false)] : [];
        result[_column.Output] = new(_column.Output, Vector, NumberDataViewType.Single, false, new SchemaShape(annotations));
        return new SchemaShape(result.Values);
    }

    internal static bool IsValid(DataViewType type) => type is VectorDataViewType { ItemType: KeyDataViewType key } && key.RawType == typeof(uint);
}

public sealed class NgramExtractingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "NgramTransform";

    private static readonly VersionInfo s_version = new("NGREMBED", 0x00010001, 0x00010001, 0x00010001, ModelFile.TransformsAssembly, LoaderSignature);

    private readonly WordBagEstimator.Options _options;
    private readonly NgramPart _ngrams;

    internal NgramExtractingTransformer(IHostEnvironment env, (string, string) column, WordBagEstimator.Options options, NgramPart ngrams)
        : base(env.Register(nameof(NgramExtractingTransformer)), column)
    {
        _options = options;
        _ngrams = ngrams;
    }

    private NgramExtractingTransformer(IHost host, ModelLoadContext ctx) : base(host, ctx)
    {
        host.CheckDecode(ColumnPairs.Length == 1, $"There must be one column, but there are {ColumnPairs.Length}. The model file is damaged.");
        _options = NgramPart.ReadOptions(ctx.Reader);
        host.CheckDecode(_options != null, "The n-gram options are missing. The model file is damaged.");
        _ngrams = NgramPart.Create(_options, 32);
        _ngrams.Load(ctx.Reader);
    }

    internal static NgramExtractingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(s_version);
        return new NgramExtractingTransformer(env.Register(nameof(NgramExtractingTransformer)), ctx);
    }

    // *** Binary format ***
    // columns; options and n-grams as in TextFeaturizingTransformer
    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(s_version);
        SaveColumns(ctx);
        NgramPart.WriteOptions(ctx.Writer, _options);
        _ngrams.Save(ctx.Writer);
    }

    private protected override void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
    {
        var column = inputSchema[srcCol];
        if (!NgramExtractingEstimator.IsValid(column.Type))
            throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", column.Name, NgramExtractingEstimator.ExpectedColumnType, column.Type.ToString());
    }

    private protected override RowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper(NgramExtractingTransformer parent, DataViewSchema schema) : OneToOneMapper(parent, schema)
    {
        private int Size => parent._ngrams.Dictionary.Count;

        public override Delegate CreateGetter(DataViewRow input, int output, out Action disposer)
        {
            disposer = null;
            var getter = input.GetGetter<VBuffer<uint>>(Sources[output]);
            var counter = new NgramCounter();
            var scratch = new uint[NgramDictionary.MaxSkipNgramLength];
            VBuffer<uint> keys = default;
            return (ValueGetter<VBuffer<float>>)((ref VBuffer<float> dst) =>
            {
                getter(ref keys);
                parent._ngrams.Dictionary.Visit(keys.DenseValues().ToArray(), scratch, add: false, counter);
                var slots = counter.Slots();
                var editor = VBufferEditor.Create(ref dst, Size, slots.Length, requireIndicesOnDense: true);
                parent._ngrams.Fill(counter, slots, 0, editor.Values, editor.Indices, TextFeaturizingEstimator.NormFunction.None);
                dst = editor.Commit();
                counter.Clear();
            });
        }

        protected override DataViewSchema.DetachedColumn[] GetOutputColumns()
        {
            var annotations = new DataViewSchema.Annotations.Builder();
            if (Sources[0].HasKeyValues())
                annotations.AddSlotNames(Size, GetSlotNames);
            return [new(parent.ColumnPairs[0].outputColumnName, new VectorDataViewType(NumberDataViewType.Single, Size), annotations.ToAnnotations())];
        }

        private void GetSlotNames(ref VBuffer<ReadOnlyMemory<char>> dst)
        {
            VBuffer<ReadOnlyMemory<char>> keyValues = default;
            Sources[0].GetKeyValues(ref keyValues);
            var words = keyValues.DenseValues().ToArray();
            var names = new List<ReadOnlyMemory<char>>();
            parent._ngrams.AddNames(names, "", token => token == 0 || token > words.Length ? "*" : words[token - 1].ToString());
            VBuffer<ReadOnlyMemory<char>>.Copy(names.ToArray(), 0, ref dst, names.Count);
        }
    }
}
