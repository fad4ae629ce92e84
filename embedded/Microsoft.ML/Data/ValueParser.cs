using System.Globalization;

namespace Microsoft.ML.Data;

// Reads values from text as ML.NET's loader does. Empty text is the default value; "?", "NA", "N/A" and "NaN" are missing.
internal static class ValueParser
{
    public delegate bool Parse<T>(ReadOnlyMemory<char> text, out T value);

    // emptyRealsAsNaN: an empty text is NaN rather than 0 for real numbers.
    public static Parse<T> Of<T>(PrimitiveDataViewType type, bool emptyRealsAsNaN, NumberFormatInfo format)
    {
        if (type is KeyDataViewType key)
            return (ReadOnlyMemory<char> text, out T value) =>
            {
                // Written from 0 on, kept from 1 on.
                value = default;
                if (text.IsEmpty || IsMissing(text.Span))
                    return true;
                if (!ulong.TryParse(text.Span, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number) || number >= key.Count)
                    return false;
                value = (T)Convert.ChangeType(number + 1, typeof(T), CultureInfo.InvariantCulture);
                return true;
            };
        Delegate parse = type switch
        {
            TextDataViewType => (Parse<ReadOnlyMemory<char>>)((ReadOnlyMemory<char> text, out ReadOnlyMemory<char> value) =>
            {
                value = text;
                return true;
            }),
            BooleanDataViewType => (Parse<bool>)ParseBoolean,
            TimeSpanDataViewType => OrDefault((string s, out TimeSpan v) => TimeSpan.TryParse(s, CultureInfo.InvariantCulture, out v)),
            DateTimeDataViewType => OrDefault((string s, out DateTime v) => DateTime.TryParse(s, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out v)),
            DateTimeOffsetDataViewType => OrDefault((string s, out DateTimeOffset v) => DateTimeOffset.TryParse(s, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out v)),
            _ => Type.GetTypeCode(type.RawType) switch
            {
                TypeCode.Single => Real(float.NaN, (ReadOnlySpan<char> s, out float v) => float.TryParse(s, NumberStyles.Float, format, out v)),
                TypeCode.Double => Real(double.NaN, (ReadOnlySpan<char> s, out double v) => double.TryParse(s, NumberStyles.Float, format, out v)),
                TypeCode.SByte => Integer<sbyte>(),
                TypeCode.Byte => Integer<byte>(),
                TypeCode.Int16 => Integer<short>(),
                TypeCode.UInt16 => Integer<ushort>(),
                TypeCode.Int32 => Integer<int>(),
                TypeCode.UInt32 => Integer<uint>(),
                TypeCode.Int64 => Integer<long>(),
                TypeCode.UInt64 => Integer<ulong>(),
                _ => throw Runtime.Contracts.ExceptNotSupp($"Values of type {type} can't be read from text."),
            },
        };
        return (Parse<T>)parse;

        Parse<TReal> Real<TReal>(TReal nan, TryParse<TReal> tryParse) => (ReadOnlyMemory<char> text, out TReal value) =>
        {
            value = default;
            if (text.IsEmpty)
            {
                if (emptyRealsAsNaN)
                    value = nan;
                return true;
            }
            if (tryParse(text.Span, out value))
                return true;
            value = nan;
            return IsMissing(text.Span);
        };
    }

    private delegate bool TryParse<T>(ReadOnlySpan<char> text, out T value);
    private delegate bool TryParseString<T>(string text, out T value);

    private static Parse<T> Integer<T>() where T : ISpanParsable<T>, System.Numerics.INumberBase<T> => (ReadOnlyMemory<char> text, out T value) =>
    {
        value = default;
        return text.IsEmpty || T.TryParse(text.Span, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
    };

    private static Parse<T> OrDefault<T>(TryParseString<T> tryParse) => (ReadOnlyMemory<char> text, out T value) =>
    {
        value = default;
        return text.IsEmpty || tryParse(text.ToString(), out value);
    };

    private static bool ParseBoolean(ReadOnlyMemory<char> text, out bool value)
    {
        switch (text.ToString().ToLowerInvariant())
        {
            case "" or "f" or "n" or "0" or "-" or "no" or "-1" or "false":
                value = false;
                return true;
            case "t" or "y" or "1" or "+" or "+1" or "yes" or "true":
                value = true;
                return true;
            default:
                value = false;
                return false;
        }
    }

    private static bool IsMissing(ReadOnlySpan<char> text) =>
        text is "?" || text.Equals("NA", StringComparison.OrdinalIgnoreCase) || text.Equals("N/A", StringComparison.OrdinalIgnoreCase) || text.Equals("NaN", StringComparison.OrdinalIgnoreCase);
}
