using System.Globalization;
using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Tool.Models;

/// <summary>The values that the keys or the slots of a column stand for, as text.</summary>
internal static class KeyNames
{
    /// <summary>Returns the name of each key, from key 1 on: its value where the column knows it, otherwise its number from 0.</summary>
    /// <param name="column">A column of keys, or of vectors of keys.</param>
    public static IReadOnlyList<string> Of(DataViewSchema.Column column)
    {
        var annotation = column.Annotations.Schema.GetColumnOrNull("KeyValues");
        var key = (KeyDataViewType)(column.Type is VectorDataViewType vector ? vector.ItemType : column.Type);
        if (annotation?.Type is not VectorDataViewType { ItemType: var item })
            return [.. Enumerable.Range(0, (int)key.Count).Select(i => i.ToString(CultureInfo.InvariantCulture))];
        var names = typeof(KeyNames).GetMethod(nameof(Texts), BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(item.RawType);
        return (IReadOnlyList<string>)names.Invoke(null, [column])!;
    }

    /// <summary>Returns the names of the slots of a column of vectors; null where it has none.</summary>
    public static IReadOnlyList<string>? OfSlots(DataViewSchema.Column? column)
    {
        if (column is not { Type: VectorDataViewType } vectors || !vectors.HasSlotNames())
            return null;
        VBuffer<ReadOnlyMemory<char>> names = default;
        vectors.GetSlotNames(ref names);
        return [.. names.DenseValues().Select(name => name.ToString())];
    }

    private static IReadOnlyList<string> Texts<T>(DataViewSchema.Column column)
    {
        VBuffer<T> values = default;
        column.GetKeyValues(ref values);
        return [.. values.DenseValues().Select(value => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "")];
    }
}
