using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Classification;

/// <summary>Streams texts with class indices out of a data view; the text is never all in memory.</summary>
/// <param name="data">The data.</param>
/// <param name="text">The text column.</param>
/// <param name="label">The label column: UInt32 keys, or Booleans.</param>
internal sealed class LabeledTexts(IDataView data, DataViewSchema.Column text, DataViewSchema.Column label)
{
    /// <summary>The rows of the last reading whose label was missing; they are left out.</summary>
    public long NumMissingLabels { get; private set; }

    /// <summary>The texts and class indices, from 0, of the rows that have a label. A missing text is an empty one.</summary>
    /// <param name="check">Called before every row; may throw.</param>
    public IEnumerable<(string Text, int Label)> Read(Action check)
    {
        NumMissingLabels = 0;
        using var cursor = data.GetRowCursor([text, label]);
        var textOf = cursor.GetGetter<ReadOnlyMemory<char>>(cursor.Schema[text.Index]);
        var labelOf = ClassIndexGetter(cursor);
        ReadOnlyMemory<char> value = default;
        while (cursor.MoveNext())
        {
            check();
            int index = labelOf();
            if (index < 0)
            {
                NumMissingLabels++;
                continue;
            }
            textOf(ref value);
            yield return (value.ToString(), index);
        }
    }

    private Func<int> ClassIndexGetter(DataViewRow row)
    {
        var column = row.Schema[label.Index];
        if (column.Type is BooleanDataViewType)
        {
            var truth = row.GetGetter<bool>(column);
            bool value = false;
            return () =>
            {
                truth(ref value);
                return value ? 1 : 0;
            };
        }
        var key = row.GetGetter<uint>(column);
        uint present = 0;
        return () =>
        {
            key(ref present);
            return (int)present - 1; // key 0 is a missing label
        };
    }
}
