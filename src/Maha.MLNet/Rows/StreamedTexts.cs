using Microsoft.ML;

namespace Maha.MLNet.Rows;

/// <summary>Streams texts without labels out of a data view; the text is never all in memory.</summary>
/// <param name="data">The data.</param>
/// <param name="text">The text column.</param>
internal sealed class StreamedTexts(IDataView data, DataViewSchema.Column text)
{
    /// <summary>The texts; a missing one is empty.</summary>
    /// <param name="check">Called before every row; may throw.</param>
    public IEnumerable<string> Read(Action check)
    {
        using var cursor = data.GetRowCursor([text]);
        var textOf = cursor.GetGetter<ReadOnlyMemory<char>>(cursor.Schema[text.Index]);
        ReadOnlyMemory<char> value = default;
        while (cursor.MoveNext())
        {
            check();
            textOf(ref value);
            yield return value.ToString();
        }
    }
}
