using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms;

[assembly: LoadableClass(typeof(ITransformer), typeof(CustomMappingLoader), null, typeof(SignatureLoadModel), "", CustomMappingLoader.LoaderSignature)]

namespace Microsoft.ML.Transforms
{
    public sealed class CustomMappingEstimator<TSrc, TDst> : TrivialEstimator<CustomMappingTransformer<TSrc, TDst>>
        where TSrc : class, new()
        where TDst : class, new()
    {
        internal CustomMappingEstimator(IHostEnvironment env, Action<TSrc, TDst> mapAction, string contractName, SchemaDefinition inputSchemaDefinition, SchemaDefinition outputSchemaDefinition)
            : base(env.Register("CustomMappingEstimator"), new CustomMappingTransformer<TSrc, TDst>(env, mapAction, contractName, inputSchemaDefinition, outputSchemaDefinition))
        {
        }

        public override SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            Host.CheckValue(inputSchema, nameof(inputSchema));
            var result = inputSchema.ToDictionary(c => c.Name);
            foreach (DataViewSchema.Column needed in Transformer.InputType.Schema)
            {
                if (!result.TryGetValue(needed.Name, out SchemaShape.Column column))
                    throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", needed.Name);
                SchemaShape.GetColumnTypeShape(needed.Type, out SchemaShape.Column.VectorKind kind, out DataViewType itemType, out bool isKey);
                // A vector of unknown size takes those of known size too.
                bool fits = kind == column.Kind || (kind == SchemaShape.Column.VectorKind.VariableVector && column.Kind == SchemaShape.Column.VectorKind.Vector);
                if (!fits || !itemType.Equals(column.ItemType) || isKey != column.IsKey)
                    throw Host.ExceptSchemaMismatch(nameof(inputSchema), "input", needed.Name, needed.Type.ToString(), column.GetTypeString());
            }
            foreach (SchemaShape.Column added in SchemaShape.Create(Transformer.OutputType.Schema))
                result[added.Name] = added;
            return new SchemaShape(result.Values);
        }
    }

    public sealed class CustomMappingTransformer<TSrc, TDst> : ITransformer
        where TSrc : class, new()
        where TDst : class, new()
    {
        private readonly IHost _host;
        private readonly Action<TSrc, TDst> _map;
        private readonly string _contractName;
        private readonly SchemaDefinition _outputDefinition;

        internal CustomMappingTransformer(IHostEnvironment env, Action<TSrc, TDst> mapAction, string contractName, SchemaDefinition inputSchemaDefinition = null, SchemaDefinition outputSchemaDefinition = null)
        {
            _host = env.Register("CustomMappingTransformer");
            _map = _host.CheckRef(mapAction, nameof(mapAction));
            _contractName = contractName;
            _outputDefinition = outputSchemaDefinition ?? SchemaDefinition.Create(typeof(TDst), SchemaDefinition.Direction.Write);
            InputType = RowType<TSrc>.Create(inputSchemaDefinition, SchemaDefinition.Direction.Write);
            OutputType = RowType<TDst>.Create(_outputDefinition, SchemaDefinition.Direction.Write);
        }

        internal RowType<TSrc> InputType { get; }
        internal RowType<TDst> OutputType { get; }

        bool ITransformer.IsRowToRowMapper => true;

        void ICanSaveModel.Save(ModelSaveContext ctx)
        {
            _host.Check(_contractName != null, "Empty contract name for a transform: the transform cannot be saved. Give CustomMapping a contractName, and its factory a CustomMappingFactoryAttribute of that name.");
            ctx.CheckAtModel();
            ctx.SetVersionInfo(CustomMappingLoader.Version);
            ctx.SaveString(_contractName);
            ctx.SaveString(_map.Method.DeclaringType.Assembly.FullName);
        }

        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
        {
            _host.CheckValue(inputSchema, nameof(inputSchema));
            return Bind(new EmptyDataView(inputSchema)).Schema;
        }

        public IDataView Transform(IDataView input)
        {
            _host.CheckValue(input, nameof(input));
            return Bind(input);
        }

        IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
        {
            _host.CheckValue(inputSchema, nameof(inputSchema));
            return Bind(new EmptyDataView(inputSchema));
        }

        private RowToRowMapperTransform Bind(IDataView input) => new(input, new Mapper(this, input.Schema));

        private sealed class Mapper : RowMapper
        {
            private readonly CustomMappingTransformer<TSrc, TDst> _parent;
            private readonly int[] _inputs;
            private readonly Func<DataViewRow, Action<TSrc>> _bindInput;

            public Mapper(CustomMappingTransformer<TSrc, TDst> parent, DataViewSchema inputSchema) : base(inputSchema)
            {
                _parent = parent;
                (IReadOnlyList<DataViewSchema.Column> columns, _bindInput) = parent.InputType.Match(parent._host, inputSchema, ignoreMissingColumns: false);
                _inputs = [.. columns.Select(c => c.Index)];
            }

            protected override DataViewSchema.DetachedColumn[] GetOutputColumns() => [.. _parent.OutputType.Schema.Select(c => new DataViewSchema.DetachedColumn(c))];

            public override IEnumerable<int> GetDependencies(int output) => _inputs;

            public override Delegate CreateGetter(DataViewRow input, int output, out Action disposer) => CreateGetters(input, i => i == output, out disposer)[output];

            // The mapping runs once a row, for all columns.
            public override Delegate[] CreateGetters(DataViewRow input, Func<int, bool> isActive, out Action disposer)
            {
                disposer = null;
                var getters = new Delegate[OutputColumns.Length];
                if (!Enumerable.Range(0, getters.Length).Any(isActive))
                    return getters;
                Action<TSrc> fill = _bindInput(input);
                var source = new TSrc();
                var target = new TDst();
                var targetRow = new InputRow<TDst>(_parent._outputDefinition);
                long mapped = -1;
                void Refresh()
                {
                    if (mapped == input.Position)
                        return;
                    fill(source);
                    _parent._map(source, target);
                    targetRow.ExtractValues(target);
                    mapped = input.Position;
                }
                for (int i = 0; i < getters.Length; i++)
                    if (isActive(i))
                        getters[i] = (Delegate)Generic.Invoke(Getter<int>, targetRow.Schema[i].Type.RawType, targetRow, targetRow.Schema[i], (Action)Refresh);
                return getters;
            }

            private static ValueGetter<T> Getter<T>(DataViewRow row, DataViewSchema.Column column, Action refresh)
            {
                ValueGetter<T> getter = row.GetGetter<T>(column);
                return (ref T value) =>
                {
                    refresh();
                    getter(ref value);
                };
            }
        }
    }

    internal interface ICustomMappingFactory
    {
        ITransformer CreateTransformer(IHostEnvironment env, string contractName);
    }

    public abstract class CustomMappingFactory<TSrc, TDst> : ICustomMappingFactory
        where TSrc : class, new()
        where TDst : class, new()
    {
        public abstract Action<TSrc, TDst> GetMapping();

        ITransformer ICustomMappingFactory.CreateTransformer(IHostEnvironment env, string contractName) => new CustomMappingTransformer<TSrc, TDst>(env, GetMapping(), contractName);
    }

    public sealed class CustomMappingFactoryAttributeAttribute : ExtensionBaseAttribute
    {
        public CustomMappingFactoryAttributeAttribute(string contractName) : base(contractName)
        {
        }
    }

    internal static class CustomMappingLoader
    {
        public const string LoaderSignature = "CustomTransformer";
        public static readonly VersionInfo Version = new("CUSTOMXF", 0x00010002, 0x00010002, 0x00010002, ModelFile.TransformsAssembly, LoaderSignature);

        private static ITransformer Create(IHostEnvironment env, ModelLoadContext ctx)
        {
            ctx.CheckAtModel(Version);
            string contractName = ctx.LoadString();
            string assembly = ctx.LoadString();
            try
            {
                env.ComponentCatalog.RegisterAssembly(Assembly.Load(assembly));
            }
            catch (Exception ex) when (ex is IOException or BadImageFormatException)
            {
                throw env.ExceptDecode(ex, $"The custom mapping '{contractName}' needs the assembly '{assembly}', which can't be loaded. Reference it.");
            }
            object factory = env.ComponentCatalog.GetExtensionValue(env, typeof(CustomMappingFactoryAttributeAttribute), contractName);
            return factory is ICustomMappingFactory mapping
                ? mapping.CreateTransformer(env, contractName)
                : throw env.Except($"The class with contract '{contractName}' must derive from '{typeof(CustomMappingFactory<,>).FullName}'.");
        }
    }
}

namespace Microsoft.ML
{
    public static class CustomMappingCatalog
    {
        public static CustomMappingEstimator<TSrc, TDst> CustomMapping<TSrc, TDst>(this TransformsCatalog catalog, Action<TSrc, TDst> mapAction, string contractName, SchemaDefinition inputSchemaDefinition = null, SchemaDefinition outputSchemaDefinition = null)
            where TSrc : class, new()
            where TDst : class, new() =>
            new(catalog.GetEnvironment(), mapAction, contractName, inputSchemaDefinition, outputSchemaDefinition);
    }
}
