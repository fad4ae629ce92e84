using Microsoft.ML;

namespace Maha.MLNet.Rows;

/// <summary>Streams the texts of a data view, without labels. They are never all in memory.</summary>
/// <param name="data">The data.</param>
/// <param name="text">The text column.</param>
internal sealed class StreamedTexts(IDataView data, DataViewSchema.Column text)
{
    /// <summary>Reads the texts. A missing text is read as an empty one.</summary>
    /// <param name="check">Called before each row, for instance to throw after a cancellation.</param>
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
