using System.Globalization;

namespace Microsoft.ML.Data;

// Values as text, and text as values, in the way of ML.NET's text files.
internal static class ValueText
{
    public static string Format<T>(T value, DataViewType type)
    {
        if (type is KeyDataViewType)
        {
            // Keys are written from 0 on, a missing one not at all.
            ulong key = Convert.ToUInt64(value, CultureInfo.InvariantCulture);
            return key == 0 ? "" : (key - 1).ToString(CultureInfo.InvariantCulture);
        }
        return value switch
        {
            ReadOnlyMemory<char> text => text.ToString(),
            bool b => b ? "1" : "0",
            float f => float.IsNaN(f) ? "?" : f.ToString("R", CultureInfo.InvariantCulture),
            double d => double.IsNaN(d) ? "?" : d.ToString("G17", CultureInfo.InvariantCulture),
            DataViewRowId id => "0x" + id,
            TimeSpan t => t.ToString("c", CultureInfo.InvariantCulture),
            DateTime t => t.ToString("o", CultureInfo.InvariantCulture),
            DateTimeOffset t => t.ToString("o", CultureInfo.InvariantCulture),
            _ => Convert.ToString(value, CultureInfo.InvariantCulture),
        };
    }

    // Whether a value of this type means "missing". Integers and booleans have no such value.
    public static bool IsMissing<T>(T value, DataViewType type) => value switch
    {
        ReadOnlyMemory<char> text => text.IsEmpty,
        float f => float.IsNaN(f),
        double d => double.IsNaN(d),
        _ => type is KeyDataViewType && EqualityComparer<T>.Default.Equals(value, default),
    };

    // The missing value of a type, or its default where there is none.
    public static T Missing<T>() =>
        typeof(T) == typeof(float) ? (T)(object)float.NaN : typeof(T) == typeof(double) ? (T)(object)double.NaN : default;
}
