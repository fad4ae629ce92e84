using System.Globalization;
using System.Reflection;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data
{
    public interface IMultiStreamSource
    {
        int Count { get; }
        string GetPathOrNull(int index);
        Stream Open(int index);
        TextReader OpenTextReader(int index);
    }

    public sealed class MultiFileSource : IMultiStreamSource
    {
        private readonly string[] _paths;

        public MultiFileSource(params string[] paths)
        {
            _paths = paths ?? [];
            foreach (string path in _paths)
                Contracts.CheckNonEmpty(path, nameof(paths));
        }

        public int Count => _paths.Length;
        public string GetPathOrNull(int index) => _paths[index];
        public Stream Open(int index) => File.OpenRead(_paths[index]);
        public TextReader OpenTextReader(int index) => new StreamReader(Open(index));
    }

    public sealed class TextLoader : IDataLoader<IMultiStreamSource>
    {
        // No source column is beyond this.
        private const int ColumnLimit = int.MaxValue;

        private readonly IHost _host;
        private readonly TextFormat _format;
        private readonly long _maxRows;
        private readonly bool _missingRealsAsNaNs;
        private readonly NumberFormatInfo _numberFormat;
        private readonly ColumnSource[] _columns;
        private readonly DataViewSchema _schema;

        // Segments of source columns, the last open-ended if Lim is ColumnLimit.
        private sealed record ColumnSource(string Name, DataViewType Type, (int Min, int Lim)[] Segments);

        public class Options
        {
            public bool AllowQuoting;
            public bool AllowSparse;
            public int? InputSize;
            public char[] Separators = ['\t'];
            public char DecimalMarker = '.';
            public Column[] Columns;
            public bool TrimWhitespace;
            public bool HasHeader;
            public bool ReadMultilines;
            public long? MaxRows;
            public char EscapeChar = '"';
            public bool MissingRealsAsNaNs;
        }

        public sealed class Column
        {
            public string Name;
            public Range[] Source;
            public KeyCount KeyCount;

            public Column()
            {
            }

            public Column(string name, DataKind dataKind, int index) : this(name, dataKind, [new Range(index)])
            {
            }

            public Column(string name, DataKind dataKind, int minIndex, int maxIndex) : this(name, dataKind, [new Range(minIndex, maxIndex)])
            {
            }

            public Column(string name, DataKind dataKind, Range[] source, KeyCount keyCount = null)
            {
                Contracts.CheckValue(name, nameof(name));
                Contracts.CheckValue(source, nameof(source));
                Name = name;
                DataKind = dataKind;
                Source = source;
                KeyCount = keyCount;
            }

            public DataKind DataKind { get; set; } = DataKind.Single;
        }

        public sealed class Range
        {
            public int Min;
            public int? Max;
            public bool AutoEnd;
            public bool VariableEnd;
            public bool ForceVector;

            public Range()
            {
            }

            public Range(int index)
            {
                Contracts.CheckParam(index >= 0, nameof(index), "Must be non-negative");
                Min = index;
                Max = index;
            }

            // No maximum: up to the last column of the data.
            public Range(int min, int? max)
            {
                Contracts.CheckParam(min >= 0, nameof(min), "Must be non-negative");
                Contracts.CheckParam(!(max < min), nameof(max), "If specified, must be greater than or equal to min");
                Min = min;
                Max = max;
                AutoEnd = max == null;
            }
        }

        internal TextLoader(IHostEnvironment env, Options options, IMultiStreamSource dataSample)
        {
            _host = env.Register(nameof(TextLoader));
            options ??= new Options();
            _host.CheckParam(options.Separators is { Length: > 0 }, nameof(options.Separators), "Must specify a separator");
            foreach (char c in options.Separators)
                _host.CheckParam((c >= ' ' || c == '\t') && !char.IsAsciiDigit(c) && c != '"' && !(c == ':' && options.AllowSparse), nameof(options.Separators), $"Illegal separator: '{c}'");
            _host.CheckParam(!options.Separators.Contains(options.EscapeChar), nameof(options.EscapeChar), $"EscapeChar '{options.EscapeChar}' can't be used both as EscapeChar and separator");
            _host.CheckParam(options.DecimalMarker is '.' or ',', nameof(options.DecimalMarker), $"Decimal marker cannot be the '{options.DecimalMarker}' character. It must be '.' or ','.");
            _host.CheckParam(options.AllowQuoting || options.DecimalMarker != ',' || !options.Separators.Contains(','), nameof(options.AllowQuoting), "Quoting must be allowed if decimal marker and separator are the ',' character.");
            _host.CheckParam(!(options.MaxRows < 0), nameof(options.MaxRows), $"The maximum number of rows must not be negative, but is {options.MaxRows}.");
            _host.CheckParam(!(options.InputSize < 0), nameof(options.InputSize), $"The number of source columns must not be negative, but is {options.InputSize}.");
            _format = new TextFormat(options.Separators, options.HasHeader, options.AllowQuoting, options.TrimWhitespace, options.AllowSparse,
                options.AllowQuoting && options.ReadMultilines, options.EscapeChar, options.MissingRealsAsNaNs, options.InputSize ?? 0);
            _maxRows = options.MaxRows ?? long.MaxValue;
            _missingRealsAsNaNs = options.MissingRealsAsNaNs;
            _numberFormat = new NumberFormatInfo { NumberDecimalSeparator = options.DecimalMarker.ToString(), NumberGroupSeparator = options.DecimalMarker == ',' ? "." : "," };
            // Without columns: the first is the label, all others are the features.
            Column[] columns = options.Columns is { Length: > 0 } given ? given
                : [new Column(DefaultColumnNames.Label, DataKind.Single, 0), new Column(DefaultColumnNames.Features, DataKind.Single, [new Range(1, null)])];
            _columns = [.. columns.Select(c => Bind(c, columns, dataSample))];
            _schema = MakeSchema(dataSample);
        }

        private ColumnSource Bind(Column column, Column[] all, IMultiStreamSource dataSample)
        {
            _host.CheckNonWhiteSpace(column.Name, nameof(column.Name));
            _host.CheckParam(column.Source is { Length: > 0 }, nameof(column.Source), $"Must specify some source column indices for column '{column.Name}'");
            PrimitiveDataViewType item = ColumnTypeExtensions.PrimitiveTypeFromKind(column.DataKind);
            if (column.KeyCount != null)
                item = new KeyDataViewType(item.RawType, column.KeyCount.Count ?? MaximumOf(item.RawType));
            var segments = new List<(int Min, int Lim)>();
            bool isVector = false;
            foreach (Range range in column.Source)
            {
                int lim = range.Max + 1 ?? (range.AutoEnd ? InputSize(all, dataSample) : range.VariableEnd ? ColumnLimit : range.Min + 1);
                _host.CheckParam(range.Min >= 0 && range.Min < lim, nameof(range.Min), $"Column #{range.Min} not found in the dataset (it only has {lim} columns)");
                segments.Add((range.Min, lim));
                isVector |= range.ForceVector || range.AutoEnd || lim - range.Min > 1;
            }
            segments.Sort();
            for (int i = 1; i < segments.Count; i++)
                _host.CheckParam(segments[i - 1].Lim <= segments[i].Min, nameof(column.Source), $"Intervals specified for column '{column.Name}' overlap");
            bool isVariable = segments[^1].Lim == ColumnLimit;
            int size = isVariable ? 0 : segments.Sum(s => s.Lim - s.Min);
            DataViewType type = isVector || segments.Count > 1 ? new VectorDataViewType(item, size) : item;
            return new ColumnSource(column.Name.Trim(), type, [.. segments]);
        }

        private static ulong MaximumOf(Type type) => Type.GetTypeCode(type) switch
        {
            TypeCode.Byte => byte.MaxValue,
            TypeCode.UInt16 => ushort.MaxValue,
            TypeCode.UInt32 => uint.MaxValue,
            _ => ulong.MaxValue,
        };

        private int InputSize(Column[] all, IMultiStreamSource dataSample)
        {
            if (_format.InputSize > 0)
                return _format.InputSize;
            var fields = new List<(int, ReadOnlyMemory<char>)>();
            int[] sizes = [.. SampleLines(dataSample).Skip(_format.HasHeader ? 1 : 0).Take(100).Select(line => _format.Split(line, ColumnLimit - 1, fields, _ => { })).Distinct()];
            _host.CheckParam(sizes.Length > 0, nameof(Column.Source), "Can't determine the number of source columns without valid data");
            _host.CheckParam(sizes.Length == 1, nameof(Column.Source), $"The size of input lines is not consistent: {string.Join(", ", sizes.Order())} columns");
            return sizes[0];
        }

        private IEnumerable<string> SampleLines(IMultiStreamSource sample)
        {
            if (sample is not { Count: > 0 })
                yield break;
            using TextReader reader = sample.OpenTextReader(0);
            foreach ((_, string text) in _format.Lines(reader, withHeader: true))
                yield return text;
        }

        // The header's fields name the slots of vector columns.
        private DataViewSchema MakeSchema(IMultiStreamSource dataSample)
        {
            var header = new List<(int Column, ReadOnlyMemory<char> Text)>();
            if (_format.HasHeader && SampleLines(dataSample).FirstOrDefault() is { } line)
                _format.Split(line, ColumnLimit - 1, header, _ => { });
            var schema = new DataViewSchema.Builder();
            foreach (ColumnSource column in _columns)
            {
                var annotations = new DataViewSchema.Annotations.Builder();
                if (column.Type is VectorDataViewType { IsKnownSize: true } vector)
                {
                    var names = new ReadOnlyMemory<char>[vector.Size];
                    bool any = false;
                    foreach ((int source, ReadOnlyMemory<char> text) in header)
                        if (SlotOf(column.Segments, source) is >= 0 and int slot)
                        {
                            names[slot] = text.Trim();
                            any = true;
                        }
                    if (any)
                        annotations.AddSlotNames(names.Length, (ref VBuffer<ReadOnlyMemory<char>> dst) => VBuffer<ReadOnlyMemory<char>>.Copy(names, 0, ref dst, names.Length));
                }
                schema.AddColumn(column.Name, column.Type, annotations.ToAnnotations());
            }
            return schema.ToSchema();
        }

        private static int SlotOf((int Min, int Lim)[] segments, int source)
        {
            int start = 0;
            foreach ((int min, int lim) in segments)
            {
                if (source >= min && source < lim)
                    return start + source - min;
                start += lim - min;
            }
            return -1;
        }

        public DataViewSchema GetOutputSchema() => _schema;

        public IDataView Load(IMultiStreamSource source)
        {
            _host.CheckValue(source, nameof(source));
            return new View(this, source);
        }

        void ICanSaveModel.Save(ModelSaveContext ctx) => throw _host.ExceptNotSupp("A text loader can't be saved. Save the model with the schema of its input: Model.Save(model, data.Schema, path).");

        internal static Options OptionsFor(Type type, Options options)
        {
            var columns = new List<Column>();
            IEnumerable<MemberInfo> members = type.GetFields(BindingFlags.Public | BindingFlags.Instance);
            members = members.Concat(type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.GetGetMethod() != null && p.GetIndexParameters().Length == 0));
            foreach (MemberInfo member in members)
            {
                LoadColumnAttribute load = member.GetCustomAttribute<LoadColumnAttribute>()
                    ?? throw Contracts.Except($"{(member is FieldInfo ? "Field" : "Property")} '{member.Name}' is missing the LoadColumnAttribute attribute");
                Type memberType = SchemaDefinition.MemberType(member);
                if (!ColumnTypeExtensions.TryGetKind(memberType.IsArray ? memberType.GetElementType() : memberType, out DataKind kind))
                    throw Contracts.Except($"{(member is FieldInfo ? "Field" : "Property")} {member.Name} is of unsupported type.");
                columns.Add(new Column(member.GetCustomAttribute<ColumnNameAttribute>()?.Name ?? member.Name, kind, load.Ranges,
                    member.GetCustomAttribute<KeyTypeAttribute>() is { } key ? new KeyCount(key.Count) : null));
            }
            Contracts.CheckParam(columns.Count > 0, "TInput", "Should define at least one public, readable field or property in TInput.");
            options.Columns = [.. columns];
            return options;
        }

        private sealed class View(TextLoader loader, IMultiStreamSource source) : IDataView
        {
            public bool CanShuffle => false;
            public DataViewSchema Schema => loader._schema;
            public long? GetRowCount() => null;
            public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null) => new Cursor(loader, source, Getters.Active(Schema, columnsNeeded));
            public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded, rand)];
        }

        private sealed class Cursor : RootCursorBase
        {
            private const int ComplaintLimit = 10;

            private readonly TextLoader _loader;
            private readonly bool[] _active;
            private readonly IEnumerator<(long Number, string Text)> _lines;
            private readonly List<(int Column, ReadOnlyMemory<char> Text)> _fields = [];
            private readonly IChannel _channel;
            private readonly int _lastColumn;
            private int _columnCount;
            private long _complaints;

            public Cursor(TextLoader loader, IMultiStreamSource source, bool[] active)
            {
                _loader = loader;
                _active = active;
                _lines = Lines(source).GetEnumerator();
                _channel = loader._host.Start("Cursor");
                _lastColumn = loader._columns.Where((_, i) => active[i]).Select(c => c.Segments[^1].Lim - 1).DefaultIfEmpty(-1).Max();
            }

            private IEnumerable<(long, string)> Lines(IMultiStreamSource source)
            {
                for (int i = 0; i < source.Count; i++)
                {
                    using TextReader reader = source.OpenTextReader(i);
                    foreach ((long, string) line in _loader._format.Lines(reader, withHeader: false))
                        yield return line;
                }
            }

            public override DataViewSchema Schema => _loader._schema;
            public override long Batch => 0;
            public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];

            protected override bool MoveNextCore()
            {
                if (Position + 1 >= _loader._maxRows || !_lines.MoveNext())
                    return false;
                _columnCount = _loader._format.Split(_lines.Current.Text, _lastColumn, _fields, Complain);
                return true;
            }

            private void Complain(string problem)
            {
                if (++_complaints <= ComplaintLimit)
                    _channel.Warning($"Line {_lines.Current.Number}: {problem}");
            }

            public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) =>
            {
                CheckGood();
                id = new DataViewRowId((ulong)Position, 0);
            };

            public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
            {
                if (!IsColumnActive(column))
                    throw Getters.Inactive(column);
                ColumnSource info = _loader._columns[column.Index];
                Delegate getter = info.Type is VectorDataViewType vector
                    ? (Delegate)Generic.Invoke(VectorGetter<int>, vector.ItemType.RawType, info, vector)
                    : (Delegate)Generic.Invoke(ScalarGetter<int>, info.Type.RawType, info);
                return Getters.Cast<TValue>(getter, Schema[column.Index]);
            }

            private ValueGetter<T> ScalarGetter<T>(ColumnSource info)
            {
                var type = (PrimitiveDataViewType)info.Type;
                ValueParser.Parse<T> parse = ValueParser.Of<T>(type, _loader._missingRealsAsNaNs, _loader._numberFormat);
                int source = info.Segments[0].Min;
                return (ref T value) =>
                {
                    CheckGood();
                    int at = FirstFieldFrom(source);
                    ReadOnlyMemory<char> text = at < _fields.Count && _fields[at].Column == source ? _fields[at].Text : default;
                    value = ParseValue(parse, text, type, info.Name);
                };
            }

            private ValueGetter<VBuffer<T>> VectorGetter<T>(ColumnSource info, VectorDataViewType type)
            {
                ValueParser.Parse<T> parse = ValueParser.Of<T>(type.ItemType, _loader._missingRealsAsNaNs, _loader._numberFormat);
                T empty = ParseValue(parse, default, type.ItemType, info.Name);
                return (ref VBuffer<T> dst) =>
                {
                    CheckGood();
                    int length = info.Segments.Sum(s => Math.Max(0, Math.Min(s.Lim, s.Lim == ColumnLimit ? _columnCount : s.Lim) - s.Min));
                    int count = 0;
                    foreach ((int min, int lim) in info.Segments)
                        count += FirstFieldFrom(lim) - FirstFieldFrom(min);
                    // Many empty fields make a sparse vector, as their value is the default.
                    bool sparse = count <= length / 2 && !_loader._missingRealsAsNaNs;
                    VBufferEditor<T> editor = VBufferEditor.Create(ref dst, length, sparse ? count : length);
                    if (!sparse)
                        editor.Values.Fill(empty);
                    int start = 0, next = 0;
                    foreach ((int min, int lim) in info.Segments)
                    {
                        for (int at = FirstFieldFrom(min); at < _fields.Count && _fields[at].Column < lim; at++)
                        {
                            int slot = start + _fields[at].Column - min;
                            if (sparse)
                                editor.Indices[next] = slot;
                            editor.Values[sparse ? next++ : slot] = ParseValue(parse, _fields[at].Text, type.ItemType, info.Name);
                        }
                        start += lim - min;
                    }
                    dst = editor.Commit();
                };
            }

            private int FirstFieldFrom(int column)
            {
                int low = 0, high = _fields.Count;
                while (low < high)
                {
                    int middle = (low + high) / 2;
                    if (_fields[middle].Column < column)
                        low = middle + 1;
                    else
                        high = middle;
                }
                return low;
            }

            // Text that is no value is missing where the type has such a value, and an error where not.
            private T ParseValue<T>(ValueParser.Parse<T> parse, ReadOnlyMemory<char> text, PrimitiveDataViewType type, string name)
            {
                if (parse(text, out T value))
                    return value;
                if (!ValueText.IsMissing(ValueText.Missing<T>(), type))
                    throw Contracts.ExceptDecode($"Parsing failed with an exception: Could not parse value {text} in line {_lines.Current.Number}, column {name}");
                Complain($"Bad value in column {name}");
                return ValueText.Missing<T>();
            }

            protected override void Dispose(bool disposing)
            {
                if (disposing)
                {
                    _lines.Dispose();
                    _channel.Dispose();
                }
                base.Dispose(disposing);
            }
        }
    }
}

namespace Microsoft.ML
{
    public static class TextLoaderSaverCatalog
    {
        private const string MissingFile = "File or directory does not exist at path: ";

        public static TextLoader CreateTextLoader(this DataOperationsCatalog catalog, TextLoader.Column[] columns, char separatorChar = '\t', bool hasHeader = false, IMultiStreamSource dataSample = null, bool allowQuoting = false, bool trimWhitespace = false, bool allowSparse = false) =>
            new(catalog.GetEnvironment(), OptionsOf(columns, separatorChar, hasHeader, allowQuoting, trimWhitespace, allowSparse), dataSample);

        public static TextLoader CreateTextLoader(this DataOperationsCatalog catalog, TextLoader.Options options, IMultiStreamSource dataSample = null) =>
            new(catalog.GetEnvironment(), options, dataSample);

        public static TextLoader CreateTextLoader<TInput>(this DataOperationsCatalog catalog, char separatorChar = '\t', bool hasHeader = false, IMultiStreamSource dataSample = null, bool allowQuoting = false, bool trimWhitespace = false, bool allowSparse = false) =>
            CreateTextLoader<TInput>(catalog, OptionsOf(null, separatorChar, hasHeader, allowQuoting, trimWhitespace, allowSparse), dataSample);

        public static TextLoader CreateTextLoader<TInput>(this DataOperationsCatalog catalog, TextLoader.Options options, IMultiStreamSource dataSample = null) =>
            new(catalog.GetEnvironment(), TextLoader.OptionsFor(typeof(TInput), options ?? new TextLoader.Options()), dataSample);

        public static IDataView LoadFromTextFile(this DataOperationsCatalog catalog, string path, TextLoader.Column[] columns, char separatorChar = '\t', bool hasHeader = false, bool allowQuoting = false, bool trimWhitespace = false, bool allowSparse = false)
        {
            var source = new MultiFileSource(CheckPath(path));
            return catalog.CreateTextLoader(columns, separatorChar, hasHeader, null, allowQuoting, trimWhitespace, allowSparse).Load(source);
        }

        public static IDataView LoadFromTextFile<TInput>(this DataOperationsCatalog catalog, string path, char separatorChar = '\t', bool hasHeader = false, bool allowQuoting = false, bool trimWhitespace = false, bool allowSparse = false) =>
            LoadFromTextFile<TInput>(catalog, path, OptionsOf(null, separatorChar, hasHeader, allowQuoting, trimWhitespace, allowSparse));

        // Of all these, only this one reads the header and the width of the file when it makes the loader.
        public static IDataView LoadFromTextFile(this DataOperationsCatalog catalog, string path, TextLoader.Options options = null)
        {
            var source = new MultiFileSource(CheckPath(path));
            return catalog.CreateTextLoader(options, source).Load(source);
        }

        public static IDataView LoadFromTextFile<TInput>(this DataOperationsCatalog catalog, string path, TextLoader.Options options)
        {
            var source = new MultiFileSource(CheckPath(path));
            return catalog.CreateTextLoader<TInput>(options).Load(source);
        }

        private static string CheckPath(string path)
        {
            Contracts.CheckNonEmpty(path, nameof(path));
            Contracts.CheckParam(File.Exists(path), nameof(path), MissingFile + path);
            return path;
        }

        private static TextLoader.Options OptionsOf(TextLoader.Column[] columns, char separator, bool hasHeader, bool allowQuoting, bool trimWhitespace, bool allowSparse) => new()
        {
            Columns = columns,
            Separators = [separator],
            HasHeader = hasHeader,
            AllowQuoting = allowQuoting,
            TrimWhitespace = trimWhitespace,
            AllowSparse = allowSparse,
        };
    }

    public static class DataLoaderExtensions
    {
        public static IDataView Load(this IDataLoader<IMultiStreamSource> loader, params string[] path) => loader.Load(new MultiFileSource(path));
    }
}
