using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(typeof(ColumnConcatenatingTransformer), null, typeof(SignatureLoadModel), "Concat Transform", ColumnConcatenatingTransformer.LoaderSignature, ColumnConcatenatingTransformer.OldLoaderSignature)]

namespace Microsoft.ML.Transforms
{
    public sealed class ColumnConcatenatingEstimator : IEstimator<ColumnConcatenatingTransformer>
    {
        private readonly IHost _host;
        private readonly string _name;
        private readonly string[] _sources;

        internal ColumnConcatenatingEstimator(IHostEnvironment env, string outputColumnName, params string[] inputColumnNames)
        {
            _host = env.Register("ColumnConcatenatingEstimator ");
            _host.CheckNonEmpty(outputColumnName, nameof(outputColumnName));
            _host.CheckNonEmpty(inputColumnNames, nameof(inputColumnNames));
            _host.CheckParam(!inputColumnNames.Any(string.IsNullOrEmpty), nameof(inputColumnNames), "Contained some null or empty items");
            _name = outputColumnName;
            _sources = inputColumnNames;
        }

        public ColumnConcatenatingTransformer Fit(IDataView input)
        {
            _host.CheckValue(input, nameof(input));
            return new ColumnConcatenatingTransformer(_host, [(_name, [.. _sources.Select(s => (s, (string)null))])]);
        }

        public SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            _host.CheckValue(inputSchema, nameof(inputSchema));
            var columns = new List<SchemaShape.Column>();
            foreach (string source in _sources)
            {
                if (!inputSchema.TryFindColumn(source, out SchemaShape.Column column))
                    throw _host.ExceptSchemaMismatch(nameof(inputSchema), "input", source);
                if (column.IsKey)
                    throw _host.Except($"Column '{source}' is key. Concatenation of keys is unsupported.");
                columns.Add(column);
                if (!column.ItemType.Equals(columns[0].ItemType))
                    throw _host.Except($"Concatenated columns should have the same type. Column '{source}' has type of {column.ItemType}, but expected column type is {columns[0].ItemType}.");
            }
            var annotations = new List<SchemaShape.Column>();
            if (columns.All(c => c.IsNormalized()))
                annotations.Add(new(AnnotationUtils.Kinds.IsNormalized, SchemaShape.Column.VectorKind.Scalar, BooleanDataViewType.Instance, false));
            if (columns.Any(c => c.Kind == SchemaShape.Column.VectorKind.Scalar || c.HasSlotNames()))
                annotations.Add(new(AnnotationUtils.Kinds.SlotNames, SchemaShape.Column.VectorKind.Vector, TextDataViewType.Instance, false));
            SchemaShape.Column.VectorKind kind = columns.Any(c => c.Kind == SchemaShape.Column.VectorKind.VariableVector) ? SchemaShape.Column.VectorKind.VariableVector : SchemaShape.Column.VectorKind.Vector;
            var result = inputSchema.ToDictionary(c => c.Name);
            result[_name] = new SchemaShape.Column(_name, kind, columns[0].ItemType, false, new SchemaShape(annotations));
            return new SchemaShape(result.Values);
        }
    }
}

namespace Microsoft.ML.Data
{
    public sealed class ColumnConcatenatingTransformer : RowToRowTransformerBase
    {
        internal const string LoaderSignature = "ConcatTransform";
        internal const string OldLoaderSignature = "ConcatFunction";
        private static readonly VersionInfo s_version = new("CONCAT F", 0x00010003, 0x00010003, 0x00010003, ModelFile.DataAssembly, LoaderSignature, OldLoaderSignature);

        private readonly (string Name, (string Name, string Alias)[] Sources)[] _columns;

        internal ColumnConcatenatingTransformer(IHostEnvironment env, (string, (string, string)[])[] columns) : base(env.Register(nameof(ColumnConcatenatingTransformer)))
        {
            _columns = columns;
        }

        // int count; per column its name, int number of sources, per source name and alias (or null).
        private ColumnConcatenatingTransformer(IHostEnvironment env, ModelLoadContext ctx) : base(env.Register(nameof(ColumnConcatenatingTransformer)))
        {
            ctx.CheckAtModel(s_version);
            var columns = new List<(string, (string, string)[])>();
            int count = ctx.Reader.ReadInt32();
            Host.CheckDecode(count > 0, $"Corrupt model: {count} concatenated columns.");
            for (int i = 0; i < count; i++)
            {
                string name = ctx.LoadNonEmptyString();
                int sourceCount = ctx.Reader.ReadInt32();
                Host.CheckDecode(sourceCount > 0, $"Corrupt model: a concatenation of {sourceCount} columns.");
                var sources = new List<(string, string)>();
                for (int j = 0; j < sourceCount; j++)
                    sources.Add((ctx.LoadNonEmptyString(), ctx.LoadStringOrNull()));
                columns.Add((name, [.. sources]));
            }
            _columns = [.. columns];
        }

        private protected override void SaveModel(ModelSaveContext ctx)
        {
            ctx.CheckAtModel();
            ctx.SetVersionInfo(s_version);
            ctx.Writer.Write(_columns.Length);
            foreach ((string name, (string, string)[] sources) in _columns)
            {
                ctx.SaveNonEmptyString(name);
                ctx.Writer.Write(sources.Length);
                foreach ((string source, string alias) in sources)
                {
                    ctx.SaveNonEmptyString(source);
                    ctx.SaveStringOrNull(alias);
                }
            }
        }

        private protected override RowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

        private sealed class Mapper : RowMapper
        {
            private readonly ColumnConcatenatingTransformer _parent;
            private readonly DataViewSchema.Column[][] _sources;

            public Mapper(ColumnConcatenatingTransformer parent, DataViewSchema inputSchema) : base(inputSchema)
            {
                _parent = parent;
                _sources = [.. parent._columns.Select(c => c.Sources.Select(s =>
                    inputSchema.GetColumnOrNull(s.Name) ?? throw parent.Host.ExceptSchemaMismatch(nameof(inputSchema), "input", s.Name)).ToArray())];
                foreach (DataViewSchema.Column[] sources in _sources)
                    foreach (DataViewSchema.Column source in sources)
                        if (!source.Type.GetItemType().Equals(sources[0].Type.GetItemType()))
                            throw parent.Host.ExceptSchemaMismatch(nameof(inputSchema), "input", source.Name, sources[0].Type.GetItemType().ToString(), source.Type.ToString());
            }

            private static bool IsIdentity(DataViewSchema.Column[] sources) => sources is [{ Type: VectorDataViewType }];

            protected override DataViewSchema.DetachedColumn[] GetOutputColumns() => [.. _parent._columns.Select((column, i) =>
            {
                DataViewSchema.Column[] sources = _sources[i];
                if (IsIdentity(sources))
                    return new DataViewSchema.DetachedColumn(column.Name, sources[0].Type, sources[0].Annotations);
                var item = (PrimitiveDataViewType)sources[0].Type.GetItemType();
                int size = sources.Any(s => s.Type is VectorDataViewType { IsKnownSize: false }) ? 0 : sources.Sum(s => s.Type.GetValueCount());
                var annotations = new DataViewSchema.Annotations.Builder();
                if (item is NumberDataViewType && sources.All(s => s.IsNormalized()))
                    annotations.AddPrimitiveValue(AnnotationUtils.Kinds.IsNormalized, BooleanDataViewType.Instance, true);
                if (size > 0 && sources.Any(s => s.Type is not VectorDataViewType || s.HasSlotNames()))
                    annotations.AddSlotNames(size, (ref VBuffer<ReadOnlyMemory<char>> dst) => dst = new VBuffer<ReadOnlyMemory<char>>(size, SlotNames(column.Sources, sources, size)));
                return new DataViewSchema.DetachedColumn(column.Name, new VectorDataViewType(item, size), annotations.ToAnnotations());
            })];

            private static ReadOnlyMemory<char>[] SlotNames((string Name, string Alias)[] names, DataViewSchema.Column[] sources, int size)
            {
                var slotNames = new ReadOnlyMemory<char>[size];
                int slot = 0;
                for (int i = 0; i < sources.Length; i++)
                {
                    string prefix = names[i].Alias ?? sources[i].Name;
                    if (sources[i].Type is not VectorDataViewType vector)
                    {
                        slotNames[slot++] = prefix.AsMemory();
                        continue;
                    }
                    if (sources[i].HasSlotNames())
                    {
                        VBuffer<ReadOnlyMemory<char>> own = default;
                        sources[i].GetSlotNames(ref own);
                        // A source under its own name as alias gives its slot names as they are.
                        string start = names[i].Alias == sources[i].Name ? "" : prefix + ".";
                        foreach (KeyValuePair<int, ReadOnlyMemory<char>> name in own.Items())
                            if (!name.Value.IsEmpty)
                                slotNames[slot + name.Key] = (start + name.Value).AsMemory();
                    }
                    slot += vector.Size;
                }
                return slotNames;
            }

            public override IEnumerable<int> GetDependencies(int output) => _sources[output].Select(s => s.Index);

            public override Delegate CreateGetter(DataViewRow input, int output, out Action disposer)
            {
                disposer = null;
                DataViewSchema.Column[] sources = _sources[output];
                return IsIdentity(sources)
                    ? (Delegate)Generic.Invoke(IdentityGetter<int>, sources[0].Type.RawType, input, sources[0])
                    : (Delegate)Generic.Invoke(ConcatGetter<int>, sources[0].Type.GetItemType().RawType, input, sources);
            }

            private static ValueGetter<T> IdentityGetter<T>(DataViewRow input, DataViewSchema.Column column) => input.GetGetter<T>(column);

            private static ValueGetter<VBuffer<T>> ConcatGetter<T>(DataViewRow input, DataViewSchema.Column[] sources)
            {
                var vectorGetters = new ValueGetter<VBuffer<T>>[sources.Length];
                var scalarGetters = new ValueGetter<T>[sources.Length];
                for (int i = 0; i < sources.Length; i++)
                    if (sources[i].Type is VectorDataViewType)
                        vectorGetters[i] = input.GetGetter<VBuffer<T>>(sources[i]);
                    else
                        scalarGetters[i] = input.GetGetter<T>(sources[i]);
                var parts = new VBuffer<T>[sources.Length];
                var scalars = new T[sources.Length];

                return (ref VBuffer<T> dst) =>
                {
                    int length = 0, count = 0;
                    for (int i = 0; i < sources.Length; i++)
                    {
                        if (vectorGetters[i] == null)
                        {
                            scalarGetters[i](ref scalars[i]);
                            length++;
                            count++;
                            continue;
                        }
                        vectorGetters[i](ref parts[i]);
                        int expected = sources[i].Type.GetVectorSize();
                        Contracts.Check(expected == 0 || expected == parts[i].Length, $"Column '{sources[i].Name}': expected {expected} slots, but got {parts[i].Length}");
                        length = checked(length + parts[i].Length);
                        count += parts[i].GetValues().Length;
                    }
                    bool sparse = count <= length / 2;
                    VBufferEditor<T> editor = VBufferEditor.Create(ref dst, length, sparse ? count : length);
                    int slot = 0, next = 0;
                    for (int i = 0; i < sources.Length; i++)
                    {
                        ReadOnlySpan<T> values = vectorGetters[i] == null ? scalars.AsSpan(i, 1) : parts[i].GetValues();
                        ReadOnlySpan<int> indices = vectorGetters[i] == null ? default : parts[i].GetIndices();
                        bool isDense = vectorGetters[i] == null || parts[i].IsDense;
                        if (sparse)
                            for (int j = 0; j < values.Length; j++)
                            {
                                editor.Values[next] = values[j];
                                editor.Indices[next++] = slot + (isDense ? j : indices[j]);
                            }
                        else if (isDense)
                            values.CopyTo(editor.Values[slot..]);
                        else
                            parts[i].CopyTo(editor.Values, slot);
                        slot += vectorGetters[i] == null ? 1 : parts[i].Length;
                    }
                    dst = editor.Commit();
                };
            }
        }
    }
}
