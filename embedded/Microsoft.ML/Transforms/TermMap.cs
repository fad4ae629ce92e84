using System.Globalization;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Transforms;

// The distinct values of a column, numbered from 1 in their order. 0 stands for every other value, and for missing.
internal abstract class TermMap
{
    private const byte TextCode = 0;
    private const byte CodecCode = 1;

    protected TermMap(PrimitiveDataViewType itemType, int count)
    {
        ItemType = itemType;
        Count = count;
        // There is no key type without values.
        OutputType = new KeyDataViewType(typeof(uint), Math.Max(1, count));
    }

    public PrimitiveDataViewType ItemType { get; }
    public int Count { get; }
    public KeyDataViewType OutputType { get; }

    public abstract Delegate CreateGetter(DataViewRow row, DataViewSchema.Column column);
    public abstract void AddKeyValues(DataViewSchema.Annotations.Builder builder, DataViewSchema.Column source, bool asText);
    public abstract void Save(ModelSaveContext ctx);
    public abstract void WriteTerms(TextWriter writer);

    // byte code; text: int count, int[count] string ids; otherwise: codec description, int count, the values.
    public static TermMap Load(ModelLoadContext ctx)
    {
        byte code = ctx.Reader.ReadByte();
        Contracts.CheckDecode(code is TextCode or CodecCode, $"Corrupt model: a term map of the unknown kind {code}.");
        if (code == TextCode)
        {
            int texts = ctx.Reader.ReadInt32();
            Contracts.CheckDecode(texts >= 0 && texts <= ctx.Strings.Length, $"Corrupt model: a term map of {texts} texts.");
            var terms = new ReadOnlyMemory<char>[texts];
            for (int i = 0; i < texts; i++)
                terms[i] = ctx.LoadNonEmptyString().AsMemory();
            return new TextTermMap(terms);
        }
        ValueCodec codec = ValueCodec.ReadDescription(ctx.Reader);
        Contracts.CheckDecode(codec?.Type is PrimitiveDataViewType, "Corrupt model: a term map over values of an unknown type.");
        int count = ctx.Reader.ReadInt32();
        return (TermMap)Generic.Invoke(LoadValues<int>, codec.Type.RawType, ctx, codec, count);
    }

    private static TermMap LoadValues<T>(ModelLoadContext ctx, ValueCodec codec, int count)
    {
        T[] terms = count == 0 ? [] : ((ValueCodec<T>)codec).Read(ctx.Reader, count);
        Contracts.CheckDecode(terms.Distinct().Count() == terms.Length, "Corrupt model: a term map with the same value twice.");
        return new ValueTermMap<T>((PrimitiveDataViewType)codec.Type, terms);
    }

    protected static void SaveText(ModelSaveContext ctx, ReadOnlySpan<ReadOnlyMemory<char>> terms)
    {
        ctx.Writer.Write(TextCode);
        ctx.Writer.Write(terms.Length);
        foreach (ReadOnlyMemory<char> term in terms)
            ctx.SaveNonEmptyString(term.ToString());
    }

    protected static void SaveValues<T>(ModelSaveContext ctx, PrimitiveDataViewType type, T[] terms)
    {
        ValueCodec codec = ValueCodec.Of(type) ?? throw Contracts.Except($"We do not know how to serialize terms of type '{type}'");
        ctx.Writer.Write(CodecCode);
        codec.WriteDescription(ctx.Writer);
        ctx.Writer.Write(terms.Length);
        ((ValueCodec<T>)codec).Write(ctx.Writer, terms);
    }
}

internal abstract class TermMap<T>(PrimitiveDataViewType itemType, T[] terms) : TermMap(itemType, terms.Length)
{
    protected T[] Terms { get; } = terms;

    public abstract uint KeyOf(T value);

    public override Delegate CreateGetter(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is not VectorDataViewType)
        {
            ValueGetter<T> getValue = row.GetGetter<T>(column);
            T value = default;
            return (ValueGetter<uint>)((ref uint key) =>
            {
                getValue(ref value);
                key = KeyOf(value);
            });
        }
        ValueGetter<VBuffer<T>> getVector = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> vector = default;
        uint implicitKey = KeyOf(default);
        return (ValueGetter<VBuffer<uint>>)((ref VBuffer<uint> keys) =>
        {
            getVector(ref vector);
            ReadOnlySpan<T> values = vector.GetValues();
            ReadOnlySpan<int> indices = vector.GetIndices();
            bool sparse = !vector.IsDense && implicitKey == 0;
            VBufferEditor<uint> editor = VBufferEditor.Create(ref keys, vector.Length, sparse ? values.Length : vector.Length);
            if (!vector.IsDense && !sparse)
                editor.Values.Fill(implicitKey);
            for (int i = 0; i < values.Length; i++)
                editor.Values[vector.IsDense || sparse ? i : indices[i]] = KeyOf(values[i]);
            if (sparse)
                indices.CopyTo(editor.Indices);
            keys = editor.Commit();
        });
    }

    public override void AddKeyValues(DataViewSchema.Annotations.Builder builder, DataViewSchema.Column source, bool asText)
    {
        if (Count == 0)
            return;
        // A key over keys takes the values of those.
        if (ItemType is KeyDataViewType key && source.Annotations.Schema.GetColumnOrNull(AnnotationUtils.Kinds.KeyValues)?.Type is VectorDataViewType values
            && (ulong)values.Size == key.Count)
            Generic.Invoke(AddValuesOfKeys<int>, values.ItemType.RawType, builder, source, values.ItemType, asText);
        else
            AddValues<T>(builder, ItemType, () => Terms, asText);
    }

    private object AddValuesOfKeys<TValue>(DataViewSchema.Annotations.Builder builder, DataViewSchema.Column source, PrimitiveDataViewType type, bool asText)
    {
        AddValues<TValue>(builder, type, () =>
        {
            VBuffer<TValue> values = default;
            source.GetKeyValues(ref values);
            return [.. Terms.Select(t => values.GetItemOrDefault(Convert.ToInt32(t, CultureInfo.InvariantCulture) - 1))];
        }, asText);
        return null;
    }

    private void AddValues<TValue>(DataViewSchema.Annotations.Builder builder, PrimitiveDataViewType type, Func<TValue[]> values, bool asText)
    {
        if (asText && type is not TextDataViewType)
            builder.AddKeyValues(Count, TextDataViewType.Instance, (ref VBuffer<ReadOnlyMemory<char>> dst) =>
                dst = new VBuffer<ReadOnlyMemory<char>>(Count, [.. values().Select(v => ValueText.Format(v, type).AsMemory())]));
        else
            builder.AddKeyValues(Count, type, (ref VBuffer<TValue> dst) => VBuffer<TValue>.Copy(values(), 0, ref dst, Count));
    }

    public override void WriteTerms(TextWriter writer)
    {
        writer.WriteLine(ItemType is TextDataViewType ? $"# Number of terms = {Count}" : $"# Number of terms of type '{ItemType}' = {Count}");
        for (int i = 0; i < Terms.Length; i++)
            writer.WriteLine($"{i}\t{ValueText.Format(Terms[i], ItemType)}");
    }
}

internal sealed class TextTermMap : TermMap<ReadOnlyMemory<char>>
{
    private readonly Dictionary<string, uint> _keys = new(StringComparer.Ordinal);
    private readonly Dictionary<string, uint>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    public TextTermMap(ReadOnlyMemory<char>[] terms) : base(TextDataViewType.Instance, terms)
    {
        for (int i = 0; i < terms.Length; i++)
            Contracts.CheckDecode(_keys.TryAdd(terms[i].ToString(), (uint)i + 1), $"The term '{terms[i]}' occurs twice.");
        _lookup = _keys.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public override uint KeyOf(ReadOnlyMemory<char> value) => _lookup.TryGetValue(value.Span, out uint key) ? key : 0;
    public override void Save(ModelSaveContext ctx) => SaveText(ctx, Terms);
}

internal sealed class ValueTermMap<T> : TermMap<T>
{
    private readonly Dictionary<T, uint> _keys = [];

    public ValueTermMap(PrimitiveDataViewType itemType, T[] terms) : base(itemType, terms)
    {
        for (int i = 0; i < terms.Length; i++)
            _keys.Add(terms[i], (uint)i + 1);
    }

    public override uint KeyOf(T value) => _keys.TryGetValue(value, out uint key) ? key : 0;
    public override void Save(ModelSaveContext ctx) => SaveValues(ctx, ItemType, Terms);
}

// Collects the values of a column until there are enough.
internal abstract class TermMapBuilder
{
    public abstract bool ProcessRow();
    public abstract TermMap Finish(bool sorted);

    public static TermMapBuilder Create(DataViewRow row, DataViewSchema.Column column, int maximum)
    {
        var item = (PrimitiveDataViewType)column.Type.GetItemType();
        return (TermMapBuilder)Generic.Invoke(CreateCore<int>, item.RawType, row, column, item, maximum);
    }

    private static TermMapBuilder CreateCore<T>(DataViewRow row, DataViewSchema.Column column, PrimitiveDataViewType item, int maximum) =>
        new Builder<T>(row, column, item, maximum);

    private sealed class Builder<T> : TermMapBuilder
    {
        private readonly PrimitiveDataViewType _item;
        private readonly int _maximum;
        private readonly Func<IEnumerable<T>> _next;
        private readonly HashSet<object> _seen = [];
        private readonly List<T> _terms = [];

        public Builder(DataViewRow row, DataViewSchema.Column column, PrimitiveDataViewType item, int maximum)
        {
            _item = item;
            _maximum = maximum;
            if (column.Type is VectorDataViewType)
            {
                ValueGetter<VBuffer<T>> getVector = row.GetGetter<VBuffer<T>>(column);
                VBuffer<T> vector = default;
                _next = () =>
                {
                    getVector(ref vector);
                    return vector.Items(all: true).Select(v => v.Value);
                };
            }
            else
            {
                ValueGetter<T> getValue = row.GetGetter<T>(column);
                var value = new T[1];
                _next = () =>
                {
                    getValue(ref value[0]);
                    return value;
                };
            }
        }

        public override bool ProcessRow()
        {
            foreach (T value in _next())
            {
                if (_terms.Count >= _maximum)
                    return false;
                if (ValueText.IsMissing(value, _item))
                    continue;
                // Texts are compared by their characters, and kept as strings of their own.
                object own = value is ReadOnlyMemory<char> text ? text.ToString() : value;
                if (_seen.Add(own))
                    _terms.Add(own is string s ? (T)(object)s.AsMemory() : value);
            }
            return _terms.Count < _maximum;
        }

        public override TermMap Finish(bool sorted)
        {
            if (_terms is List<ReadOnlyMemory<char>> texts)
            {
                if (sorted)
                    texts.Sort((a, b) => a.Span.SequenceCompareTo(b.Span));
                return new TextTermMap([.. texts]);
            }
            if (sorted)
                _terms.Sort();
            return new ValueTermMap<T>(_item, [.. _terms]);
        }
    }
}
