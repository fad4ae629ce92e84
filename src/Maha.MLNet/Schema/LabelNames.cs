using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;
using static Maha.MLNet.Bridge.MLNetInternals;

namespace Maha.MLNet.Schema;

/// <summary>The label values that the keys of a column stand for, of any type, and their form in a model file.</summary>
internal abstract class LabelNames
{
    private const string RoundTrip = "O";

    /// <summary>C, the number of labels. The key k stands for the value at index k - 1.</summary>
    public abstract int Count { get; }

    /// <summary>The type of a value.</summary>
    public abstract PrimitiveDataViewType ItemType { get; }

    /// <summary>The values as text, in the order of the keys.</summary>
    public abstract IReadOnlyList<string> Names { get; }

    /// <summary>Adds the values to annotations, as a kind such as KeyValues.</summary>
    public abstract void AddTo(DataViewSchema.Annotations.Builder builder, string kind);

    /// <summary>Reads the values of a key column, or another kind of annotation that has one value per label.</summary>
    /// <param name="column">The column.</param>
    /// <param name="kind">The kind of the annotation.</param>
    /// <returns>The values; null if the column has none, or values other than texts, numbers, Booleans, dates and times.</returns>
    public static LabelNames? FromColumn(DataViewSchema.Column column, string kind = Annotation.KeyValues)
    {
        var values = column.Annotations.Schema.GetColumnOrNull(kind);
        if (values is not { Type: VectorDataViewType { Size: > 0, ItemType: var item } })
            return null;
        return item switch
        {
            TextDataViewType => Read<ReadOnlyMemory<char>>(column, kind, TextDataViewType.Instance),
            NumberDataViewType number when number == NumberDataViewType.Single => Read<float>(column, kind, number),
            NumberDataViewType number when number == NumberDataViewType.Double => Read<double>(column, kind, number),
            NumberDataViewType number when number == NumberDataViewType.SByte => Read<sbyte>(column, kind, number),
            NumberDataViewType number when number == NumberDataViewType.Byte => Read<byte>(column, kind, number),
            NumberDataViewType number when number == NumberDataViewType.Int16 => Read<short>(column, kind, number),
            NumberDataViewType number when number == NumberDataViewType.UInt16 => Read<ushort>(column, kind, number),
            NumberDataViewType number when number == NumberDataViewType.Int32 => Read<int>(column, kind, number),
            NumberDataViewType number when number == NumberDataViewType.Int64 => Read<long>(column, kind, number),
            NumberDataViewType number when number == NumberDataViewType.UInt32 => Read<uint>(column, kind, number),
            NumberDataViewType number when number == NumberDataViewType.UInt64 => Read<ulong>(column, kind, number),
            BooleanDataViewType => Read<bool>(column, kind, BooleanDataViewType.Instance),
            DateTimeDataViewType => Read<DateTime>(column, kind, DateTimeDataViewType.Instance),
            DateTimeOffsetDataViewType => Read<DateTimeOffset>(column, kind, DateTimeOffsetDataViewType.Instance),
            TimeSpanDataViewType => Read<TimeSpan>(column, kind, TimeSpanDataViewType.Instance),
            _ => null,
        };
    }

    /// <summary>Returns the names 0, 1, ... for keys without values, as ML.NET shows them.</summary>
    public static LabelNames Numbered(int count)
        => new Typed<uint>(NumberDataViewType.UInt32, [.. Enumerable.Range(0, count).Select(i => (uint)i)]);

    /// <summary>Converts the texts of a model file to values.</summary>
    /// <param name="type">The name of the values' type, as <see cref="TypeName"/> returns it.</param>
    /// <param name="names">The values as text.</param>
    /// <exception cref="InvalidDataException">The type is unknown, or a text is not a value of it.</exception>
    public static LabelNames FromFile(string type, IReadOnlyList<string> names)
    {
        try
        {
            return type switch
            {
                nameof(String) => new Typed<ReadOnlyMemory<char>>(TextDataViewType.Instance, [.. names.Select(name => name.AsMemory())]),
                nameof(Single) => Parse<float>(NumberDataViewType.Single, names),
                nameof(Double) => Parse<double>(NumberDataViewType.Double, names),
                nameof(SByte) => Parse<sbyte>(NumberDataViewType.SByte, names),
                nameof(Byte) => Parse<byte>(NumberDataViewType.Byte, names),
                nameof(Int16) => Parse<short>(NumberDataViewType.Int16, names),
                nameof(UInt16) => Parse<ushort>(NumberDataViewType.UInt16, names),
                nameof(Int32) => Parse<int>(NumberDataViewType.Int32, names),
                nameof(Int64) => Parse<long>(NumberDataViewType.Int64, names),
                nameof(UInt32) => Parse<uint>(NumberDataViewType.UInt32, names),
                nameof(UInt64) => Parse<ulong>(NumberDataViewType.UInt64, names),
                nameof(Boolean) => new Typed<bool>(BooleanDataViewType.Instance, [.. names.Select(bool.Parse)]),
                nameof(DateTime) => new Typed<DateTime>(
                    DateTimeDataViewType.Instance,
                    [.. names.Select(name => DateTime.ParseExact(name, RoundTrip, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind))]),
                nameof(DateTimeOffset) => new Typed<DateTimeOffset>(
                    DateTimeOffsetDataViewType.Instance, [.. names.Select(name => DateTimeOffset.ParseExact(name, RoundTrip, CultureInfo.InvariantCulture))]),
                nameof(TimeSpan) => Parse<TimeSpan>(TimeSpanDataViewType.Instance, names),
                _ => throw new InvalidDataException(
                    $"The labels of a model are texts, numbers, Booleans, dates or times, but the file says '{type}'. " +
                    "It was written by a newer version, or is damaged."),
            };
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            throw new InvalidDataException(
                $"The labels of the model must be values of {type}, but one is not: {e.Message} The file is damaged: save the model again.", e);
        }
    }

    /// <summary>Checks that the keys of other data stand for these labels.</summary>
    /// <param name="keys">What the keys stand for.</param>
    /// <param name="parameter">The parameter in messages.</param>
    /// <param name="isValidation">Whether the data are a validation set, and these labels those of the training data; otherwise these are a model's.</param>
    /// <exception cref="ArgumentException">They stand for other labels.</exception>
    public void RequireKeys(LabelNames keys, string parameter, bool isValidation = false)
    {
        if (keys.Names.SequenceEqual(Names))
            return;
        string rule = isValidation ? $"The validation set must have the labels of the training data ({Show()}), but has"
            : $"The data must have the labels of the model ({Show()}), but have";
        throw new ArgumentException($"{rule} {keys.Show()}. Map both with one fitted MapValueToKey.", parameter);
    }

    /// <summary>Returns the first values as text, for messages.</summary>
    public string Show() => Count <= 10 ? string.Join(", ", Names) : $"{string.Join(", ", Names.Take(10))}, ... ({Count})";

    /// <summary>The name of the values' type in a model file.</summary>
    public string TypeName => ItemType is TextDataViewType ? nameof(String) : ItemType.RawType.Name;

    private static Typed<T> Parse<T>(PrimitiveDataViewType type, IReadOnlyList<string> names) where T : IParsable<T>
        => new(type, [.. names.Select(name => T.Parse(name, CultureInfo.InvariantCulture))]);

    private static Typed<T> Read<T>(DataViewSchema.Column column, string kind, PrimitiveDataViewType type)
    {
        VBuffer<T> values = default;
        column.Annotations.GetValue(kind, ref values);
        return new Typed<T>(type, [.. values.DenseValues()]);
    }

    private sealed class Typed<T>(PrimitiveDataViewType type, T[] values) : LabelNames
    {
        public override int Count => values.Length;

        public override PrimitiveDataViewType ItemType => type;

        // Round-trip formats: each text is parsed to the same value again.
        public override IReadOnlyList<string> Names { get; } =
        [
            .. values.Select(value => value switch
            {
                DateTime time => time.ToString(RoundTrip, CultureInfo.InvariantCulture),
                DateTimeOffset time => time.ToString(RoundTrip, CultureInfo.InvariantCulture),
                _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
            }),
        ];

        public override void AddTo(DataViewSchema.Annotations.Builder builder, string kind)
            => builder.Add(
                kind, new VectorDataViewType(type, values.Length), (ref VBuffer<T> target) => new VBuffer<T>(values.Length, values).CopyTo(ref target));
    }
}
