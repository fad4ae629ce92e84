using Maha.MLNet.Bridge;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Schema;

/// <summary>Finds input columns, and says which rule a column breaks: missing and of another type are different messages.</summary>
internal static class InputColumns
{
    /// <summary>The most classes of a classifier: the scores of one row are then 4 MB.</summary>
    private const int MaxClasses = 1 << 20;

    /// <summary>A column of text.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it holds something else.</exception>
    public static DataViewSchema.Column Text(DataViewSchema schema, string name, string parameter)
    {
        var column = Find(schema, name, parameter);
        if (column.Type is not TextDataViewType)
            throw new ArgumentOutOfRangeException(parameter, $"Column '{name}' must be Text, but is {column.Type}. Name a text column, or convert this one.");
        return column;
    }

    /// <summary>A label column of keys.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it holds something else.</exception>
    public static DataViewSchema.Column KeyLabel(DataViewSchema schema, string name, string parameter)
    {
        var column = Find(schema, name, parameter);
        if (column.Type is not KeyDataViewType { Count: > 0 } key || key.RawType != typeof(uint))
            throw new ArgumentOutOfRangeException(parameter, $"Label column '{name}' must be Key<UInt32> with a known number of values, but is {column.Type}. Append Conversion.MapValueToKey(\"{name}\") before the trainer.");
        if (key.Count > MaxClasses)
            throw new ArgumentOutOfRangeException(parameter, $"Label column '{name}' must have at most {MaxClasses} values, but its keys have {key.Count}. Map the labels with Conversion.MapValueToKey(\"{name}\"), which numbers those that occur.");
        return column;
    }

    /// <summary>A label column of truth values.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it holds something else.</exception>
    public static DataViewSchema.Column BooleanLabel(DataViewSchema schema, string name, string parameter)
    {
        var column = Find(schema, name, parameter);
        if (column.Type is not BooleanDataViewType)
            throw new ArgumentOutOfRangeException(parameter, $"Label column '{name}' must be Boolean, but is {column.Type}. Load it as bool, or use MulticlassClassification for keys.");
        return column;
    }

    /// <summary>Checks the promise of an earlier estimator for a column of scalars.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it will hold something else.</exception>
    public static SchemaShape.Column Promised(SchemaShape schema, string name, string parameter, string expected, Func<SchemaShape.Column, bool> fits)
    {
        var column = MLNetInternals.Find(schema, name)
            ?? throw new ArgumentOutOfRangeException(parameter, $"There is no column '{name}', but the estimator reads it. The columns are: {string.Join(", ", schema.Select(c => c.Name))}.");
        if (column.Kind != SchemaShape.Column.VectorKind.Scalar || !fits(column))
            throw new ArgumentOutOfRangeException(parameter, $"Column '{name}' must be {expected}, but will be {(column.IsKey ? "Key of " : "")}{column.ItemType} ({column.Kind}).");
        return column;
    }

    private static DataViewSchema.Column Find(DataViewSchema schema, string name, string parameter)
        => schema.GetColumnOrNull(name)
            ?? throw new ArgumentOutOfRangeException(parameter, $"There is no column '{name}'. The columns are: {string.Join(", ", schema.Select(column => column.Name))}.");
}
