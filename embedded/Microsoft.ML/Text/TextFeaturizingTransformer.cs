using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Text;
using Microsoft.ML.Transforms.Text;

[assembly: LoadableClass(typeof(TextFeaturizingTransformer), null, typeof(SignatureLoadModel), "Text Transform", TextFeaturizingTransformer.LoaderSignature)]

namespace Microsoft.ML.Text;

/// <summary>Adds the feature vector of the text columns, and their words if asked for.</summary>
internal sealed class TextFeaturizingTransformer : RowToRowTransformerBase
{
    public const string LoaderSignature = "Text";

    private static readonly VersionInfo s_version = new("TEXTEMBD", 0x00010001, 0x00010001, 0x00010001, ModelFile.TransformsAssembly, LoaderSignature);

    private readonly string _outputColumn;
    private readonly string[] _inputColumns;
    private readonly TextFeaturizer _featurizer;
    private readonly Lazy<ReadOnlyMemory<char>[]> _slotNames;

    public TextFeaturizingTransformer(IHostEnvironment env, string outputColumn, string[] inputColumns, TextFeaturizer featurizer)
        : base(env.Register(nameof(TextFeaturizingTransformer)))
    {
        _outputColumn = outputColumn;
        _inputColumns = inputColumns;
        _featurizer = featurizer;
        _slotNames = new Lazy<ReadOnlyMemory<char>[]>(featurizer.SlotNames);
    }

    internal static TextFeaturizingTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(s_version);
        string output = ctx.LoadNonEmptyString();
        int count = ctx.Reader.ReadInt32();
        env.CheckDecode(count is > 0 and < 1 << 16, $"There must be at least 1 input column, but there are {count}. The model file is damaged.");
        string[] inputs = Enumerable.Range(0, count).Select(_ => ctx.LoadNonEmptyString()).ToArray();
        var reader = ctx.Reader;
        var options = new TextFeaturizingEstimator.Options
        {
            CaseMode = (TextNormalizingEstimator.CaseMode)reader.ReadByte(),
            KeepDiacritics = reader.ReadBoolean(),
            KeepPunctuations = reader.ReadBoolean(),
            KeepNumbers = reader.ReadBoolean(),
            Norm = (TextFeaturizingEstimator.NormFunction)reader.ReadByte(),
            OutputTokensColumnName = ctx.LoadStringOrNull(),
            WordFeatureExtractor = NgramPart.ReadOptions(reader),
            CharFeatureExtractor = NgramPart.ReadOptions(reader),
        };
        var featurizer = new TextFeaturizer(options);
        int words = reader.ReadInt32();
        for (int i = 0; i < words; i++)
            featurizer.AddWord(reader.ReadString());
        featurizer.Words?.Load(reader);
        featurizer.Chars?.Load(reader);
        return new TextFeaturizingTransformer(env, output, inputs, featurizer);
    }

    // *** Binary format ***
    // string ids: output column; int: number of input columns, then their string ids
    // byte: case; bool: keep diacritics, punctuations, numbers; byte: norm; string id or -1: token column
    // word and character extractor: bool: used, and if so int: length, skips, bool: all lengths, int: number of maximum counts, the counts, int: weighting
    // int: number of words, then the words; n-grams of words, then of characters
    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(s_version);
        ctx.SaveNonEmptyString(_outputColumn);
        ctx.Writer.Write(_inputColumns.Length);
        foreach (string input in _inputColumns)
            ctx.SaveNonEmptyString(input);
        var options = _featurizer.Options;
        ctx.Writer.Write((byte)options.CaseMode);
        ctx.Writer.Write(options.KeepDiacritics);
        ctx.Writer.Write(options.KeepPunctuations);
        ctx.Writer.Write(options.KeepNumbers);
        ctx.Writer.Write((byte)options.Norm);
        ctx.SaveStringOrNull(options.OutputTokensColumnName);
        NgramPart.WriteOptions(ctx.Writer, options.WordFeatureExtractor);
        NgramPart.WriteOptions(ctx.Writer, options.CharFeatureExtractor);
        ctx.Writer.Write(_featurizer.Vocabulary.Count);
        foreach (string word in _featurizer.Vocabulary)
            ctx.Writer.Write(word);
        _featurizer.Words?.Save(ctx.Writer);
        _featurizer.Chars?.Save(ctx.Writer);
    }

    private protected override RowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper : RowMapper
    {
        private readonly TextFeaturizingTransformer _parent;
        private readonly TextColumns _columns;

        public Mapper(TextFeaturizingTransformer parent, DataViewSchema schema) : base(schema)
        {
            _parent = parent;
            _columns = TextColumns.Find(parent.Host, schema, parent._inputColumns);
        }

        private string TokenColumn => _parent._featurizer.Options.OutputTokensColumnName;

        public override IEnumerable<int> GetDependencies(int output) => _columns.Columns.Select(c => c.Index);

        public override Delegate CreateGetter(DataViewRow input, int output, out Action disposer)
        {
            disposer = null;
            var reader = _columns.CreateReader(input);
            var row = _parent._featurizer.CreateRow(_columns.IsVector);
            if (output == 0 && !string.IsNullOrEmpty(TokenColumn))
            {
                return (ValueGetter<VBuffer<ReadOnlyMemory<char>>>)((ref VBuffer<ReadOnlyMemory<char>> dst) =>
                {
                    row.Read(reader());
                    var words = row.SplitWords().ToArray();
                    VBuffer<ReadOnlyMemory<char>>.Copy(words, 0, ref dst, words.Length);
                });
            }

            return (ValueGetter<VBuffer<float>>)((ref VBuffer<float> dst) =>
            {
                row.Read(reader());
                row.Featurize(ref dst);
            });
        }

        protected override DataViewSchema.DetachedColumn[] GetOutputColumns()
        {
            var featurizer = _parent._featurizer;
            var annotations = new DataViewSchema.Annotations.Builder();
            if (featurizer.Options.Norm != TextFeaturizingEstimator.NormFunction.None)
                annotations.AddPrimitiveValue(AnnotationUtils.Kinds.IsNormalized, BooleanDataViewType.Instance, true);
            annotations.AddSlotNames(featurizer.Size, (ref VBuffer<ReadOnlyMemory<char>> dst) =>
                VBuffer<ReadOnlyMemory<char>>.Copy(_parent._slotNames.Value, 0, ref dst, featurizer.Size));
            DataViewSchema.DetachedColumn features = new(_parent._outputColumn, new VectorDataViewType(NumberDataViewType.Single, featurizer.Size), annotations.ToAnnotations());
            return string.IsNullOrEmpty(TokenColumn) ? [features] : [new(TokenColumn, new VectorDataViewType(TextDataViewType.Instance)), features];
        }
    }
}
