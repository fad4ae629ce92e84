using Microsoft.ML;

namespace Maha.MLNet.Schema;

/// <summary>The columns that an estimator adds.</summary>
internal static class AddedColumns
{
    /// <summary>Checks that every column has a name, and that the added columns have different names.</summary>
    /// <param name="read">The columns that are read: the option and its value.</param>
    /// <param name="added">The columns that are added: the option and its value.</param>
    /// <exception cref="ArgumentException">A name is empty, or given twice.</exception>
    public static void Check(IReadOnlyList<(string Option, string Column)> read, IReadOnlyList<(string Option, string Column)> added)
    {
        foreach (var (option, column) in read.Concat(added))
        {
            if (string.IsNullOrEmpty(column))
            {
                string value = column is null ? "null" : "empty";
                throw new ArgumentException($"{option} must name a column, but is {value}. Leave it out for the default.", option);
            }
        }

        foreach (var same in added.GroupBy(pair => pair.Column).Where(group => group.Count() > 1))
        {
            string options = string.Join(" and ", same.Select(pair => pair.Option));
            throw new ArgumentException($"The added columns must have different names, but {options} are '{same.Key}'. Rename one.", same.Last().Option);
        }
    }

    /// <summary>Returns a schema with added columns, which replace columns of the same name.</summary>
    public static SchemaShape AddTo(SchemaShape inputSchema, params IReadOnlyList<SchemaShape.Column> added)
        => new(inputSchema.Where(column => !added.Any(other => other.Name == column.Name)).Concat(added));
}
