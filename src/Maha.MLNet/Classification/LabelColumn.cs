using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Classification;

/// <summary>A label column, and how its values are read.</summary>
internal abstract class LabelColumn
{
    /// <summary>Creates the description of a column.</summary>
    protected LabelColumn(DataViewSchema.Column column) => Column = column;

    /// <summary>The column.</summary>
    public DataViewSchema.Column Column { get; }

    /// <summary>Creates a getter of the labels of the current row, from 0; it returns null where the label is missing.</summary>
    public abstract Func<int[]?> CreateGetter(DataViewRow row);
}

/// <summary>A column of one class per row: UInt32 keys, or Booleans.</summary>
/// <param name="column">The column.</param>
internal sealed class ClassColumn(DataViewSchema.Column column) : LabelColumn(column)
{
    /// <inheritdoc/>
    public override Func<int[]?> CreateGetter(DataViewRow row)
    {
        var active = row.Schema[Column.Index];
        if (active.Type is BooleanDataViewType)
        {
            var truth = row.GetGetter<bool>(active);
            bool value = false;
            return () =>
            {
                truth(ref value);
                return [value ? 1 : 0];
            };
        }
        var key = row.GetGetter<uint>(active);
        uint present = 0;
        return () =>
        {
            key(ref present);
            return present == 0 ? null : [(int)present - 1];
        };
    }
}
