using System.Globalization;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests;

/// <summary>Reads data views of any columns as text, so that rows can be compared exactly.</summary>
internal static class Rows
{
    /// <summary>
    /// How far a document's numbers may lie apart, relative to 1 or to the number, that were computed with other documents: sums then have another order.
    /// </summary>
    public const float Tolerance = 1e-5f;

    private static readonly char[] s_separators = [' ', '=', ';', '\t'];

    /// <summary>All rows of all columns that are not hidden, "name=value" each, in the order of the columns.</summary>
    public static List<string> Of(IDataView data) => Of(data, data.Schema.Where(column => !column.IsHidden));

    /// <summary>All rows of some columns.</summary>
    public static List<string> Of(IDataView data, IEnumerable<DataViewSchema.Column> columns, Random? random = null)
    {
        using var cursor = data.GetRowCursor(columns, random!);
        return Of(cursor, columns);
    }

    /// <summary>The rows that a cursor has before it.</summary>
    public static List<string> Of(DataViewRowCursor cursor, IEnumerable<DataViewSchema.Column> columns)
    {
        var getters = columns.Select(column => (column.Name, Value: Getter(cursor, cursor.Schema[column.Index]))).ToList();
        var rows = new List<string>();
        while (cursor.MoveNext())
            rows.Add(string.Join("; ", getters.Select(getter => $"{getter.Name}={getter.Value()}")));
        return rows;
    }

    /// <summary>One value of a row as text; numbers in a form that tells every two of them apart.</summary>
    public static Func<string> Getter(DataViewRow row, DataViewSchema.Column column) => column.Type switch
    {
        TextDataViewType => Read<ReadOnlyMemory<char>>(row, column, value => value.ToString()),
        BooleanDataViewType => Read<bool>(row, column, value => value.ToString()),
        KeyDataViewType => Read<uint>(row, column, value => value.ToString(CultureInfo.InvariantCulture)),
        NumberDataViewType type when type == NumberDataViewType.Single => Read<float>(row, column, Show),
        VectorDataViewType { ItemType: NumberDataViewType item } when item == NumberDataViewType.Single
            => Read<VBuffer<float>>(row, column, value => string.Join(' ', value.DenseValues().Select(Show))),
        VectorDataViewType { ItemType: NumberDataViewType item } when item == NumberDataViewType.Int32 => Read<VBuffer<int>>(row, column, Join),
        VectorDataViewType { ItemType: KeyDataViewType } => Read<VBuffer<uint>>(row, column, Join),
        VectorDataViewType { ItemType: TextDataViewType } => Read<VBuffer<ReadOnlyMemory<char>>>(row, column, Join),
        _ => throw new NotSupportedException($"no reader for {column.Type}"),
    };

    /// <summary>Checks that rows say the same, numbers up to <see cref="Tolerance"/>.</summary>
    /// <param name="expected">Rows as text.</param>
    /// <param name="actual">The same rows, read one at a time or with others around them.</param>
    public static void Agree(IEnumerable<string> expected, IEnumerable<string> actual)
    {
        Assert.Equal(expected.Count(), actual.Count());
        foreach (var (one, other) in expected.Zip(actual))
        {
            string[] values = one.Split(s_separators), others = other.Split(s_separators);
            Assert.True(values.Length == others.Length && values.Zip(others)
                .All(pair => Agree(pair.First, pair.Second)), $"expected: {one}\nactual:   {other}");
        }
    }

    /// <summary>Whether numbers of one document are the same up to <see cref="Tolerance"/>.</summary>
    public static bool AreAlike(float expected, float actual) => expected.Equals(actual)
        || Math.Abs(expected - actual) <= Tolerance * Math.Max(1, Math.Abs(expected));

    private static bool Agree(string expected, string actual) => expected == actual
        || (float.TryParse(expected, CultureInfo.InvariantCulture, out float one)
            && float.TryParse(actual, CultureInfo.InvariantCulture, out float other) && AreAlike(one, other));

    /// <summary>The annotations of a column as text, in the order of their names.</summary>
    public static List<string> Annotations(DataViewSchema.Column column)
        => [.. column.Annotations.Schema.OrderBy(annotation => annotation.Name)
            .Select(annotation => $"{annotation.Name}: {annotation.Type} = {Annotation(column, annotation)}")];

    private static string Annotation(DataViewSchema.Column column, DataViewSchema.Column annotation) => annotation.Type switch
    {
        TextDataViewType => Annotation<ReadOnlyMemory<char>>(column, annotation).ToString(),
        KeyDataViewType => Annotation<uint>(column, annotation).ToString(CultureInfo.InvariantCulture),
        BooleanDataViewType => Annotation<bool>(column, annotation).ToString(),
        VectorDataViewType { ItemType: TextDataViewType } => Join(Annotation<VBuffer<ReadOnlyMemory<char>>>(column, annotation)),
        VectorDataViewType { ItemType: BooleanDataViewType } => Join(Annotation<VBuffer<bool>>(column, annotation)),
        VectorDataViewType { ItemType: NumberDataViewType item } when item == NumberDataViewType.Single => Join(Annotation<VBuffer<float>>(column, annotation)),
        VectorDataViewType { ItemType: NumberDataViewType item } when item == NumberDataViewType.Double =>
            Join(Annotation<VBuffer<double>>(column, annotation)),
        VectorDataViewType { ItemType: NumberDataViewType item } when item == NumberDataViewType.Int32 => Join(Annotation<VBuffer<int>>(column, annotation)),
        VectorDataViewType { ItemType: NumberDataViewType item } when item == NumberDataViewType.UInt32 => Join(Annotation<VBuffer<uint>>(column, annotation)),
        _ => throw new NotSupportedException($"no reader for annotation {annotation.Type}"),
    };

    private static T Annotation<T>(DataViewSchema.Column column, DataViewSchema.Column annotation)
    {
        T value = default!;
        column.Annotations.GetValue(annotation.Name, ref value);
        return value;
    }

    private static string Join<T>(VBuffer<T> values) =>
        string.Join('|', values.DenseValues().Select(value => Convert.ToString(value, CultureInfo.InvariantCulture)));

    private static Func<string> Read<T>(DataViewRow row, DataViewSchema.Column column, Func<T, string> show)
    {
        var getter = row.GetGetter<T>(column);
        T value = default!;
        return () =>
        {
            getter(ref value);
            return show(value);
        };
    }

    private static string Show(float value) => value.ToString("R", CultureInfo.InvariantCulture);
}
