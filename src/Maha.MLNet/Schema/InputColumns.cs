using Maha.MLNet.Bridge;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Schema;

/// <summary>Finds the input columns of an estimator or transformer. A missing column and one of another type have different messages.</summary>
internal static class InputColumns
{
    /// <summary>The most classes of a classifier. With this many, the scores of one row take 4 MB.</summary>
    private const int MaxClasses = 1 << 20;

    /// <summary>Finds a column of texts.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it has another type.</exception>
    public static DataViewSchema.Column Text(DataViewSchema schema, string name, string parameter)
    {
        var column = Find(schema, name, parameter);
        if (column.Type is not TextDataViewType)
        {
            throw new ArgumentOutOfRangeException(
                parameter, $"Column '{name}' must be Text, but is {column.Type}. Name a text column, or convert this one.");
        }
        return column;
    }

    /// <summary>Finds a label column of keys.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it has another type.</exception>
    public static DataViewSchema.Column KeyLabel(DataViewSchema schema, string name, string parameter)
    {
        var column = Find(schema, name, parameter);
        if (column.Type is not KeyDataViewType { Count: > 0 } key || key.RawType != typeof(uint))
        {
            throw new ArgumentOutOfRangeException(
                parameter, $"Label column '{name}' must be Key<UInt32> with a known number of values, but is {column.Type}. " +
                $"Append Conversion.MapValueToKey(\"{name}\") before the trainer.");
        }
        if (key.Count > MaxClasses)
        {
            throw new ArgumentOutOfRangeException(
                parameter, $"Label column '{name}' must have at most {MaxClasses} values, but its keys have {key.Count}. " +
                $"Map the labels with Conversion.MapValueToKey(\"{name}\"), which numbers those that occur.");
        }
        return column;
    }

    /// <summary>Finds a label column of Booleans.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it has another type.</exception>
    public static DataViewSchema.Column BooleanLabel(DataViewSchema schema, string name, string parameter)
    {
        var column = Find(schema, name, parameter);
        if (column.Type is not BooleanDataViewType)
        {
            throw new ArgumentOutOfRangeException(
                parameter, $"Label column '{name}' must be Boolean, but is {column.Type}. Load it as bool, or use MulticlassClassification for keys.");
        }
        return column;
    }

    /// <summary>Finds a column of texts in the output schema of an earlier estimator.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it will have another type.</exception>
    public static SchemaShape.Column Text(SchemaShape schema, string name, string parameter)
        => Scalar(schema, name, parameter, "Text", column => column.ItemType is TextDataViewType);

    /// <summary>Finds a column of scalars in the output schema of an earlier estimator.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it will have another type.</exception>
    public static SchemaShape.Column Scalar(
        SchemaShape schema, string name, string parameter, string expectedType, Func<SchemaShape.Column, bool> isExpected)
    {
        var column = MLNetInternals.Find(schema, name)
            ?? throw new ArgumentOutOfRangeException(
                parameter, $"There is no column '{name}', but the estimator reads it. The columns are: {string.Join(", ", schema.Select(c => c.Name))}.");
        if (column.Kind != SchemaShape.Column.VectorKind.Scalar || !isExpected(column))
        {
            string actualType = $"{(column.IsKey ? "Key of " : "")}{column.ItemType} ({column.Kind})";
            throw new ArgumentOutOfRangeException(parameter, $"Column '{name}' must be {expectedType}, but will be {actualType}.");
        }
        return column;
    }

    private static DataViewSchema.Column Find(DataViewSchema schema, string name, string parameter)
        => schema.GetColumnOrNull(name)
            ?? throw new ArgumentOutOfRangeException(
                parameter, $"There is no column '{name}'. The columns are: {string.Join(", ", schema.Select(column => column.Name))}.");
}
