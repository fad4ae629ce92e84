using Maha.MLNet.Bridge;
using Maha.MLNet.Classification;
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
        var column = Any(schema, name, parameter);
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
        var column = Any(schema, name, parameter);
        if (column.Type is not KeyDataViewType { Count: > 0 } key || key.RawType != typeof(uint))
        {
            throw new ArgumentOutOfRangeException(
                parameter, $"Label column '{name}' must be Key<UInt32> with a known number of values, but is {column.Type}. " +
                (parameter == nameof(MahaSupervisedOptions.ValidationSet)
                    ? "A ValidationSet is not mapped by what stands before the trainer: fit MapValueToKey to the training data first, and map both by it."
                    : $"Append Conversion.MapValueToKey(\"{name}\") before the trainer."));
        }
        RequireClassCount(key, name, parameter);
        return column;
    }

    /// <summary>Checks that the keys of a label column have no more values than a classifier can have classes.</summary>
    /// <returns>The number of values.</returns>
    /// <exception cref="ArgumentOutOfRangeException">They have more.</exception>
    public static int RequireClassCount(KeyDataViewType key, string name, string parameter) => key.Count <= MaxClasses
        ? (int)key.Count
        : throw new ArgumentOutOfRangeException(
            parameter, $"Label column '{name}' must have at most {MaxClasses} values, but its keys have {key.Count}. " +
            $"Map the labels with Conversion.MapValueToKey(\"{name}\"), which numbers those that occur.");

    /// <summary>Finds a label column of Booleans.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it has another type.</exception>
    public static DataViewSchema.Column BooleanLabel(DataViewSchema schema, string name, string parameter)
    {
        var column = Any(schema, name, parameter);
        if (column.Type is not BooleanDataViewType)
        {
            throw new ArgumentOutOfRangeException(
                parameter, $"Label column '{name}' must be Boolean, but is {column.Type}. Load it as bool, or use MulticlassClassification for keys.");
        }
        return column;
    }

    /// <summary>Finds a column of the weights of rows.</summary>
    /// <param name="schema">The schema.</param>
    /// <param name="name">The name; null for no column.</param>
    /// <param name="parameter">The parameter in messages.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it has another type.</exception>
    public static DataViewSchema.Column? Weight(DataViewSchema schema, string? name, string parameter) =>
        name is null ? null : Single(schema, name, parameter);

    /// <summary>Finds a column of numbers.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it has another type.</exception>
    public static DataViewSchema.Column Single(DataViewSchema schema, string name, string parameter)
    {
        var column = Any(schema, name, parameter);
        if (column.Type != NumberDataViewType.Single)
        {
            throw new ArgumentOutOfRangeException(
                parameter, $"Column '{name}' must be Single, but is {column.Type}. " +
                $"Append Conversion.ConvertType(\"{name}\", outputKind: DataKind.Single) before, or name another column.");
        }
        return column;
    }

    /// <summary>Finds a column of the probabilities of classes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it has another type.</exception>
    public static DataViewSchema.Column Probabilities(DataViewSchema schema, string name, string parameter)
    {
        var column = Any(schema, name, parameter);
        if (column.Type is not VectorDataViewType { Size: > 0, ItemType: NumberDataViewType item } || item != NumberDataViewType.Single)
        {
            throw new ArgumentOutOfRangeException(
                parameter, $"Column '{name}' must be Vector<Single> of known size, but is {column.Type}. Name the column of the classes' probabilities.");
        }
        return column;
    }

    /// <summary>Finds a column of any number of keys per row.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it has another type.</exception>
    public static DataViewSchema.Column LabelSet(DataViewSchema schema, string name, string parameter)
    {
        var column = Any(schema, name, parameter);
        if (column.Type is not VectorDataViewType { ItemType: KeyDataViewType { Count: > 0 } key } || key.RawType != typeof(uint))
        {
            throw new ArgumentOutOfRangeException(
                parameter, $"Column '{name}' must be a vector of Key<UInt32> with a known number of values, but is {column.Type}. " +
                "Name the column of the predicted labels before MapKeyToValue.");
        }
        return column;
    }

    /// <summary>Checks the column of the weights of rows in the output schema of an earlier estimator.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it will have another type.</exception>
    public static void Weight(SchemaShape schema, string? name, string parameter)
    {
        if (name is not null)
        {
            Scalar(
                schema, name, parameter, "Single", column => !column.IsKey && column.ItemType == NumberDataViewType.Single,
                $"Append Conversion.ConvertType(\"{name}\", outputKind: DataKind.Single) before, or name another column.");
        }
    }

    /// <summary>Finds a column of texts in the output schema of an earlier estimator.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it will have another type.</exception>
    public static SchemaShape.Column Text(SchemaShape schema, string name, string parameter)
        => Scalar(schema, name, parameter, "Text", column => column.ItemType is TextDataViewType, "Name a text column, or convert this one.");

    /// <summary>Finds a column of scalars in the output schema of an earlier estimator.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column, or it will have another type.</exception>
    public static SchemaShape.Column Scalar(
        SchemaShape schema, string name, string parameter, string expectedType, Func<SchemaShape.Column, bool> isExpected, string remedy)
    {
        var column = MLNetInternals.Find(schema, name) ?? throw Missing(schema, name, parameter);
        if (column.Kind != SchemaShape.Column.VectorKind.Scalar || !isExpected(column))
        {
            string actualType = $"{(column.IsKey ? "Key of " : "")}{column.ItemType} ({column.Kind})";
            throw new ArgumentOutOfRangeException(parameter, $"Column '{name}' must be {expectedType}, but will be {actualType}. {remedy}");
        }
        return column;
    }

    /// <summary>Creates the exception for a column that is missing in the output schema of an earlier estimator.</summary>
    public static ArgumentOutOfRangeException Missing(SchemaShape schema, string name, string parameter) =>
        Missing(name, schema.Select(column => column.Name), parameter);

    /// <summary>Finds a column of any type.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such column.</exception>
    public static DataViewSchema.Column Any(DataViewSchema schema, string name, string parameter)
        => schema.GetColumnOrNull(name)
            ?? throw Missing(name, schema.Where(column => !column.IsHidden).Select(column => column.Name), parameter);

    private static ArgumentOutOfRangeException Missing(string name, IEnumerable<string> columns, string parameter)
    {
        string all = string.Join(", ", columns);
        return new(
            parameter,
            $"There must be a column '{name}', but the columns are: {(all.Length == 0 ? "none" : all)}. Name one of these in the options, or add the column.");
    }
}
