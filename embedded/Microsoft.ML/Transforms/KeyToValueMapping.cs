using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(KeyToValueMappingTransformer), null, typeof(SignatureLoadModel), "Key To Value Transform", KeyToValueMappingTransformer.LoaderSignature)]

namespace Microsoft.ML.Transforms;

public sealed class KeyToValueMappingEstimator : TrivialEstimator<KeyToValueMappingTransformer>
{
    internal KeyToValueMappingEstimator(IHostEnvironment env, params (string outputColumnName, string inputColumnName)[] columns)
        : base(env.Register(nameof(KeyToValueMappingEstimator)), new KeyToValueMappingTransformer(env, columns))
    {
    }

    public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        var result = inputSchema.ToDictionary(c => c.Name);
        foreach ((string output, string input) in Transformer.ColumnPairs)
        {
            if (!inputSchema.TryFindColumn(input, out SchemaShape.Column column))
                throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", input);
            if (!column.IsKey)
                throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", input, "KeyType", column.GetTypeString());
            if (!column.Annotations.TryFindColumn(AnnotationUtils.Kinds.KeyValues, out SchemaShape.Column values))
                throw Host.ExceptParam(nameof(inputSchema), $"Input column '{input}' doesn't contain key values metadata");
            SchemaShape annotations = column.HasSlotNames() && column.Annotations.TryFindColumn(AnnotationUtils.Kinds.SlotNames, out SchemaShape.Column slots) ? new SchemaShape([slots]) : null;
            result[output] = new SchemaShape.Column(output, column.Kind, values.ItemType, values.IsKey, annotations);
        }
        return new SchemaShape(result.Values);
    }
}

public sealed class KeyToValueMappingTransformer : OneToOneTransformerBase
{
    internal const string LoaderSignature = "KeyToValueTransform";
    private static readonly VersionInfo s_version = new("KEY2VALT", 0x00010001, 0x00010001, 0x00010001, ModelFile.DataAssembly, LoaderSignature);

    internal KeyToValueMappingTransformer(IHostEnvironment env, params (string outputColumnName, string inputColumnName)[] columns)
        : base(env.Register(nameof(KeyToValueMappingTransformer)), columns)
    {
    }

    private KeyToValueMappingTransformer(IHostEnvironment env, ModelLoadContext ctx) : base(env.Register(nameof(KeyToValueMappingTransformer)), Checked(ctx))
    {
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
    }

    private protected override RowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private sealed class Mapper : OneToOneMapper
    {
        private readonly KeyToValueMappingTransformer _parent;
        private readonly PrimitiveDataViewType[] _valueTypes;
        private readonly Array[] _values;

        public Mapper(KeyToValueMappingTransformer parent, DataViewSchema inputSchema) : base(parent, inputSchema)
        {
            _parent = parent;
            _valueTypes = new PrimitiveDataViewType[Sources.Length];
            _values = new Array[Sources.Length];
            for (int i = 0; i < Sources.Length; i++)
            {
                if (Sources[i].Annotations.Schema.GetColumnOrNull(AnnotationUtils.Kinds.KeyValues)?.Type is not VectorDataViewType values)
                    throw Host.Except($"Metadata KeyValues does not exist (column '{Sources[i].Name}')");
                DataViewType key = Sources[i].Type.GetItemType();
                Host.Check(key is KeyDataViewType && (ulong)values.Size == key.GetKeyCount(),
                    $"KeyValues metadata size does not match column type key count: {values.Size} values for column '{Sources[i].Name}' of {Sources[i].Type}");
                _valueTypes[i] = values.ItemType;
                _values[i] = (Array)Generic.Invoke(KeyValues<int>, values.ItemType.RawType, Sources[i]);
            }
        }

        private static T[] KeyValues<T>(DataViewSchema.Column column)
        {
            VBuffer<T> values = default;
            column.GetKeyValues(ref values);
            return [.. values.DenseValues()];
        }

        protected override DataViewSchema.DetachedColumn[] GetOutputColumns() => [.. Sources.Select((source, i) =>
        {
            var annotations = new DataViewSchema.Annotations.Builder();
            annotations.Add(source.Annotations, kind => kind == AnnotationUtils.Kinds.SlotNames);
            DataViewType type = source.Type is VectorDataViewType vector ? new VectorDataViewType(_valueTypes[i], vector.Dimensions) : _valueTypes[i];
            return new DataViewSchema.DetachedColumn(_parent.ColumnPairs[i].outputColumnName, type, annotations.ToAnnotations());
        })];

        public override Delegate CreateGetter(DataViewRow input, int output, out Action disposer)
        {
            disposer = null;
            DataViewSchema.Column source = Sources[output];
            Type map = typeof(Map<,>).MakeGenericType(source.Type.GetItemType().RawType, _valueTypes[output].RawType);
            return ((Map)Activator.CreateInstance(map, _values[output])).CreateGetter(input, source);
        }
    }

    private abstract class Map
    {
        public abstract Delegate CreateGetter(DataViewRow row, DataViewSchema.Column column);
    }

    private sealed class Map<TKey, TValue>(TValue[] values) : Map where TKey : IConvertible
    {
        private readonly TValue _missing = ValueText.Missing<TValue>();

        private TValue ValueOf(TKey key)
        {
            ulong number = typeof(TKey) == typeof(uint) ? (uint)(object)key : key.ToUInt64(CultureInfo.InvariantCulture);
            return number == 0 || number > (ulong)values.Length ? _missing : values[number - 1];
        }

        public override Delegate CreateGetter(DataViewRow row, DataViewSchema.Column column)
        {
            if (column.Type is not VectorDataViewType)
            {
                ValueGetter<TKey> getKey = row.GetGetter<TKey>(column);
                TKey key = default;
                return (ValueGetter<TValue>)((ref TValue value) =>
                {
                    getKey(ref key);
                    value = ValueOf(key);
                });
            }
            ValueGetter<VBuffer<TKey>> getKeys = row.GetGetter<VBuffer<TKey>>(column);
            VBuffer<TKey> keys = default;
            return (ValueGetter<VBuffer<TValue>>)((ref VBuffer<TValue> dst) =>
            {
                getKeys(ref keys);
                VBufferEditor<TValue> editor = VBufferEditor.Create(ref dst, keys.Length);
                if (!keys.IsDense)
                    editor.Values.Fill(_missing);
                foreach (KeyValuePair<int, TKey> key in keys.Items())
                    editor.Values[key.Key] = ValueOf(key.Value);
                dst = editor.Commit();
            });
        }
    }
}
