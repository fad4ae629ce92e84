using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(ValueToKeyMappingTransformer), null, typeof(SignatureLoadModel), "Term Transform", ValueToKeyMappingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

public sealed class ValueToKeyMappingEstimator : IEstimator<ValueToKeyMappingTransformer>
{
    internal const int DefaultMaximumNumberOfKeys = 1000000;

    private readonly IHost _host;
    private readonly ColumnOptions[] _columns;
    private readonly IDataView _keyData;

    public enum KeyOrdinality : byte
    {
        ByOccurrence = 0,
        ByValue = 1,
    }

    internal sealed record ColumnOptions(string OutputColumnName, string InputColumnName, int MaximumNumberOfKeys, KeyOrdinality KeyOrdinality, bool AddKeyValueAnnotationsAsText);

    internal ValueToKeyMappingEstimator(IHostEnvironment env, ColumnOptions[] columns, IDataView keyData)
    {
        _host = env.Register(nameof(ValueToKeyMappingEstimator));
        _host.CheckNonEmpty(columns, nameof(columns));
        foreach (ColumnOptions column in columns)
        {
            _host.CheckNonEmpty(column.OutputColumnName, "outputColumnName");
            _host.CheckParam(column.MaximumNumberOfKeys > 0, "maximumNumberOfKeys", $"The maximum number of keys must be positive, but is {column.MaximumNumberOfKeys}.");
            _host.CheckParam(Enum.IsDefined(column.KeyOrdinality), "keyOrdinality", $"Undefined key ordinality {column.KeyOrdinality}.");
        }
        if (keyData != null && keyData.Schema.Count != 1)
            throw _host.ExceptParam(nameof(keyData), $"If specified, this data view should contain only a single column containing the terms to map, but this had {keyData.Schema.Count} columns.");
        _columns = columns;
        _keyData = keyData;
    }

    public ValueToKeyMappingTransformer Fit(IDataView input)
    {
        _host.CheckValue(input, nameof(input));
        using IChannel ch = _host.Start("Training");
        var sources = new DataViewSchema.Column[_columns.Length];
        for (int i = 0; i < sources.Length; i++)
            sources[i] = ValueToKeyMappingTransformer.CheckInput(_host, input.Schema, _columns[i].InputColumnName);
        return new ValueToKeyMappingTransformer(_host, [.. _columns.Select(c => (c.OutputColumnName, c.InputColumnName))],
            _keyData != null ? TrainOnKeys(ch, sources) : Train(ch, input, sources), [.. _columns.Select(c => c.AddKeyValueAnnotationsAsText)]);
    }

    private TermMap[] Train(IChannel ch, IDataView input, DataViewSchema.Column[] sources)
    {
        using DataViewRowCursor cursor = input.GetRowCursor(sources.DistinctBy(c => c.Index));
        TermMapBuilder[] builders = [.. _columns.Select((c, i) => TermMapBuilder.Create(cursor, sources[i], c.MaximumNumberOfKeys))];
        List<TermMapBuilder> unfinished = [.. builders];
        while (unfinished.Count > 0 && cursor.MoveNext())
        {
            _host.CheckAlive();
            unfinished.RemoveAll(b => !b.ProcessRow());
        }
        TermMap[] maps = [.. builders.Select((b, i) => b.Finish(_columns[i].KeyOrdinality == KeyOrdinality.ByValue))];
        for (int i = 0; i < maps.Length; i++)
            if (maps[i].Count == 0)
                ch.Warning($"Term map for output column '{_columns[i].OutputColumnName}' contains no entries.");
        return maps;
    }

    private TermMap[] TrainOnKeys(IChannel ch, DataViewSchema.Column[] sources)
    {
        DataViewSchema.Column keys = _keyData.Schema[0];
        return [.. sources.Select((source, i) =>
        {
            if (!keys.Type.Equals(source.Type.GetItemType()))
                throw ch.ExceptUserArg("keyData", "Input data's column must be of type '{0}' but was '{1}'", source.Type.GetItemType(), keys.Type);
            using DataViewRowCursor cursor = _keyData.GetRowCursor([keys]);
            TermMapBuilder builder = TermMapBuilder.Create(cursor, keys, int.MaxValue);
            while (cursor.MoveNext())
            {
                _host.CheckAlive();
                builder.ProcessRow();
            }
            return builder.Finish(_columns[i].KeyOrdinality == KeyOrdinality.ByValue);
        })];
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        _host.CheckValue(inputSchema, nameof(inputSchema));
        var result = inputSchema.ToDictionary(c => c.Name);
        foreach (ColumnOptions options in _columns)
        {
            if (!inputSchema.TryFindColumn(options.InputColumnName, out SchemaShape.Column column))
                throw _host.ExceptSchemaMismatch(nameof(inputSchema), "input", options.InputColumnName);
            if (!column.ItemType.IsStandardScalar())
                throw _host.ExceptSchemaMismatch(nameof(inputSchema), "input", options.InputColumnName, "standard type or a vector of standard type", column.GetTypeString());
            if (!column.IsKey || !column.Annotations.TryFindColumn(AnnotationUtils.Kinds.KeyValues, out SchemaShape.Column values) || values.Kind != SchemaShape.Column.VectorKind.Vector)
                values = new SchemaShape.Column(AnnotationUtils.Kinds.KeyValues, SchemaShape.Column.VectorKind.Vector,
                    options.AddKeyValueAnnotationsAsText ? TextDataViewType.Instance : column.ItemType, column.IsKey);
            SchemaShape.Column[] annotations = column.Annotations.TryFindColumn(AnnotationUtils.Kinds.SlotNames, out SchemaShape.Column slots) ? [slots, values] : [values];
            result[options.OutputColumnName] = new SchemaShape.Column(options.OutputColumnName, column.Kind, NumberDataViewType.UInt32, true, new SchemaShape(annotations));
        }
        return new SchemaShape(result.Values);
    }
}

public sealed class ValueToKeyMappingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "TermTransform";
    private const string VocabularyDirectory = "Vocabulary";

    // Models from before values other than text are not read.
    private static readonly VersionInfo s_version = new("TERMTRNF", 0x00010003, 0x00010003, 0x00010003, ModelFile.DataAssembly, LoaderSignature);
    private static readonly VersionInfo s_vocabularyVersion = new("TERM MAN", 0x00010002, 0x00010002, 0x00010002, ModelFile.DataAssembly, "TermManager");

    private readonly TermMap[] _maps;
    private readonly bool[] _asText;

    internal ValueToKeyMappingTransformer(IHostEnvironment env, (string, string)[] columns, TermMap[] maps, bool[] asText)
        : base(env.Register("Term"), columns)
    {
        _maps = maps;
        _asText = asText;
    }

    // Column pairs; per column a byte, whether the key values are texts; the folder Vocabulary with int count and the maps.
    private ValueToKeyMappingTransformer(IHostEnvironment env, ModelLoadContext ctx) : base(env.Register("Term"), Checked(ctx))
    {
        _asText = [.. ColumnPairs.Select(_ => ctx.Reader.ReadBoolean())];
        _maps = new TermMap[ColumnPairs.Length];
        bool found = ctx.TryProcessSubModel(VocabularyDirectory, vocabulary =>
        {
            vocabulary.CheckAtModel(s_vocabularyVersion);
            Host.CheckDecode(vocabulary.Reader.ReadInt32() == _maps.Length, "Corrupt model: another number of term maps than of columns.");
            for (int i = 0; i < _maps.Length; i++)
                _maps[i] = TermMap.Load(vocabulary);
        });
        Host.CheckDecode(found, "Missing Vocabulary model");
    }

    private static ModelLoadContext Checked(ModelLoadContext ctx)
    {
        ctx.CheckAtModel(s_version);
        return ctx;
    }

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(s_version);
        SaveColumns(ctx);
        foreach (bool asText in _asText)
            ctx.Writer.Write(asText);
        ctx.SaveSubModel(VocabularyDirectory, vocabulary =>
        {
            vocabulary.SetVersionInfo(s_vocabularyVersion);
            vocabulary.Writer.Write(_maps.Length);
            foreach (TermMap map in _maps)
                map.Save(vocabulary);
            // For people: loading doesn't read it.
            vocabulary.SaveTextStream("Terms.txt", writer =>
            {
                foreach (TermMap map in _maps)
                    map.WriteTerms(writer);
            });
        });
    }

    internal static DataViewSchema.Column CheckInput(IHost host, DataViewSchema inputSchema, string name)
    {
        DataViewSchema.Column column = inputSchema.GetColumnOrNull(name) ?? throw host.ExceptSchemaMismatch(nameof(inputSchema), "input", name);
        DataViewType item = column.Type.GetItemType();
        if (item is not KeyDataViewType && !item.IsStandardScalar())
            throw host.ExceptSchemaMismatch(nameof(inputSchema), "input", name, "standard type or a vector of standard type", column.Type.ToString());
        return column;
    }

    private protected override RowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper : OneToOneMapper
    {
        private readonly ValueToKeyMappingTransformer _parent;

        public Mapper(ValueToKeyMappingTransformer parent, DataViewSchema inputSchema) : base(parent, inputSchema)
        {
            _parent = parent;
            for (int i = 0; i < Sources.Length; i++)
                if (!Sources[i].Type.GetItemType().Equals(parent._maps[i].ItemType))
                    throw Host.Except($"Could not apply a map over type '{parent._maps[i].ItemType}' to column '{Sources[i].Name}' since it has type '{Sources[i].Type}'");
        }

        protected override DataViewSchema.DetachedColumn[] GetOutputColumns() => [.. Sources.Select((source, i) =>
        {
            TermMap map = _parent._maps[i];
            var annotations = new DataViewSchema.Annotations.Builder();
            map.AddKeyValues(annotations, source, _parent._asText[i]);
            annotations.Add(source.Annotations, kind => kind == AnnotationUtils.Kinds.SlotNames);
            DataViewType type = source.Type is VectorDataViewType vector ? new VectorDataViewType(map.OutputType, vector.Dimensions) : map.OutputType;
            return new DataViewSchema.DetachedColumn(_parent.ColumnPairs[i].outputColumnName, type, annotations.ToAnnotations());
        })];

        public override Delegate CreateGetter(DataViewRow input, int output, out Action disposer)
        {
            disposer = null;
            return _parent._maps[output].CreateGetter(input, Sources[output]);
        }
    }
}
