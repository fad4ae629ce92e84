namespace Maha.MLNet.Schema;

/// <summary>Checks the names of columns among an estimator's options.</summary>
internal static class AddedColumns
{
    /// <summary>Checks that every column has a name, and that no two added ones have the same.</summary>
    /// <param name="read">The columns that are read: option and name.</param>
    /// <param name="added">The columns that are added: option and name.</param>
    /// <exception cref="ArgumentException">A name is empty, or given twice.</exception>
    public static void Check(IReadOnlyList<(string Option, string Column)> read, IReadOnlyList<(string Option, string Column)> added)
    {
        foreach (var (option, column) in read.Concat(added))
        {
            if (string.IsNullOrEmpty(column))
                throw new ArgumentException($"{option} must name a column, but is {(column is null ? "null" : "empty")}. Leave it out for the default.", option);
        }

        foreach (var same in added.GroupBy(pair => pair.Column).Where(group => group.Count() > 1))
            throw new ArgumentException($"The added columns must have different names, but {string.Join(" and ", same.Select(pair => pair.Option))} are '{same.Key}'. Rename one.", same.Last().Option);
    }
}
