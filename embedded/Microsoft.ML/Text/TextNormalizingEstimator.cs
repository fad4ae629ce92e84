using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Text;
using Microsoft.ML.Transforms.Text;

[assembly: LoadableClass(typeof(TextNormalizingTransformer), null, typeof(SignatureLoadModel), "Text Normalizer Transform", TextNormalizingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms.Text;

public sealed class TextNormalizingEstimator : TrivialEstimator<TextNormalizingTransformer>
{
    public enum CaseMode
    {
        Lower = 0,
        Upper = 1,
        None = 2,
    }

    internal const string ExpectedColumnType = "String or vector of String";

    internal TextNormalizingEstimator(IHostEnvironment env, string outputColumnName, string inputColumnName, CaseMode caseMode, bool keepDiacritics, bool keepPunctuations, bool keepNumbers)
        : base(env.Register(nameof(TextNormalizingEstimator)),
            new TextNormalizingTransformer(env, caseMode, keepDiacritics, keepPunctuations, keepNumbers, (outputColumnName, inputColumnName ?? outputColumnName)))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        var result = inputSchema.ToDictionary(c => c.Name);
        foreach (var (output, input) in Transformer.ColumnPairs)
        {
            if (!inputSchema.TryFindColumn(input, out var column))
                throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", input);
            if (column.ItemType is not TextDataViewType)
                throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", input, ExpectedColumnType, column.GetTypeString());
            var kind = column.Kind == SchemaShape.Column.VectorKind.Scalar ? column.Kind : SchemaShape.Column.VectorKind.VariableVector;
            result[output] = new SchemaShape.Column(output, kind, column.ItemType, false);
        }

        return new SchemaShape(result.Values);
    }
}

public sealed class TextNormalizingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "TextNormalizerTransform";

    private static readonly VersionInfo s_version = new("TEXTNORM", 0x00010001, 0x00010001, 0x00010001, ModelFile.TransformsAssembly, LoaderSignature);

    private readonly TextNormalizingEstimator.CaseMode _caseMode;
    private readonly bool _keepDiacritics;
    private readonly bool _keepPunctuations;
    private readonly bool _keepNumbers;

    internal TextNormalizingTransformer(IHostEnvironment env, TextNormalizingEstimator.CaseMode caseMode, bool keepDiacritics, bool keepPunctuations, bool keepNumbers,
        params (string outputColumnName, string inputColumnName)[] columns)
        : base(env.Register(nameof(TextNormalizingTransformer)), columns)
    {
        Host.CheckUserArg(Enum.IsDefined(caseMode), nameof(caseMode));
        _caseMode = caseMode;
        _keepDiacritics = keepDiacritics;
        _keepPunctuations = keepPunctuations;
        _keepNumbers = keepNumbers;
    }

    private TextNormalizingTransformer(IHost host, ModelLoadContext ctx) : base(host, ctx)
    {
        _caseMode = (TextNormalizingEstimator.CaseMode)ctx.Reader.ReadByte();
        host.CheckDecode(Enum.IsDefined(_caseMode), $"The case mode {_caseMode} is not known. The model file is damaged.");
        _keepDiacritics = ctx.Reader.ReadBoolean();
        _keepPunctuations = ctx.Reader.ReadBoolean();
        _keepNumbers = ctx.Reader.ReadBoolean();
    }

    internal static TextNormalizingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(s_version);
        return new TextNormalizingTransformer(env.Register(nameof(TextNormalizingTransformer)), ctx);
    }

    // *** Binary format ***
    // columns; byte: case; bools: keep diacritics, punctuations, numbers
    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(s_version);
        SaveColumns(ctx);
        ctx.Writer.Write((byte)_caseMode);
        ctx.Writer.Write(_keepDiacritics);
        ctx.Writer.Write(_keepPunctuations);
        ctx.Writer.Write(_keepNumbers);
    }

    private protected override void CheckInputColumn(DataViewSchema inputSchema, int col, int srcCol)
    {
        var type = inputSchema[srcCol].Type;
        if (type.GetItemType() is not TextDataViewType)
            throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", ColumnPairs[col].inputColumnName, TextNormalizingEstimator.ExpectedColumnType, type.ToString());
    }

    private protected override RowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper(TextNormalizingTransformer parent, DataViewSchema schema) : OneToOneMapper(parent, schema)
    {
        public override Delegate CreateGetter(DataViewRow input, int output, out Action disposer)
        {
            disposer = null;
            var normalization = new TextNormalization(parent._caseMode, parent._keepDiacritics, parent._keepPunctuations, parent._keepNumbers);
            if (Sources[output].Type is not VectorDataViewType)
            {
                var getter = input.GetGetter<ReadOnlyMemory<char>>(Sources[output]);
                ReadOnlyMemory<char> text = default;
                return (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> dst) =>
                {
                    getter(ref text);
                    dst = normalization.Normalize(text);
                });
            }

            var vectorGetter = input.GetGetter<VBuffer<ReadOnlyMemory<char>>>(Sources[output]);
            VBuffer<ReadOnlyMemory<char>> texts = default;
            return (ValueGetter<VBuffer<ReadOnlyMemory<char>>>)((ref VBuffer<ReadOnlyMemory<char>> dst) =>
            {
                vectorGetter(ref texts);
                var kept = texts.DenseValues().Select(normalization.Normalize).Where(t => !t.IsEmpty).ToArray();
                VBuffer<ReadOnlyMemory<char>>.Copy(kept, 0, ref dst, kept.Length);
            });
        }

        protected override DataViewSchema.DetachedColumn[] GetOutputColumns() => Sources.Select((source, i) =>
            new DataViewSchema.DetachedColumn(parent.ColumnPairs[i].outputColumnName, source.Type is VectorDataViewType ? new VectorDataViewType(TextDataViewType.Instance) : source.Type)).ToArray();
    }
}
