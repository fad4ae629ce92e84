using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Text;

/// <summary>The text columns of a view, scalars or vectors, read together row by row.</summary>
internal sealed class TextColumns
{
    private TextColumns(DataViewSchema.Column[] columns)
    {
        Columns = columns;
    }

    public DataViewSchema.Column[] Columns { get; }

    /// <summary>True if a row may have any number of texts.</summary>
    public bool IsVector => Columns.Length > 1 || Columns[0].Type is VectorDataViewType;

    public static TextColumns Find(IHost host, DataViewSchema inputSchema, string[] names)
    {
        return new TextColumns(names.Select(name =>
        {
            var column = inputSchema.GetColumnOrNull(name) ?? throw host.ExceptSchemaMismatch(nameof(inputSchema), "input", name);
            if (column.Type.GetItemType() is not TextDataViewType)
                throw host.ExceptSchemaMismatch(nameof(inputSchema), "input", name, "String or vector of String", column.Type.ToString());
            return column;
        }).ToArray());
    }

    public Func<ReadOnlyMemory<char>[]> CreateReader(DataViewRow row)
    {
        if (!IsVector)
        {
            var getter = row.GetGetter<ReadOnlyMemory<char>>(Columns[0]);
            var single = new ReadOnlyMemory<char>[1];
            return () =>
            {
                getter(ref single[0]);
                return single;
            };
        }

        var readers = Columns.Select(column => AddReader(row, column)).ToArray();
        var texts = new List<ReadOnlyMemory<char>>();
        return () =>
        {
            texts.Clear();
            foreach (var reader in readers)
                reader(texts);
            return texts.ToArray();
        };
    }

    private static Action<List<ReadOnlyMemory<char>>> AddReader(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is VectorDataViewType)
        {
            var getter = row.GetGetter<VBuffer<ReadOnlyMemory<char>>>(column);
            VBuffer<ReadOnlyMemory<char>> values = default;
            return texts =>
            {
                getter(ref values);
                texts.AddRange(values.DenseValues());
            };
        }

        var scalar = row.GetGetter<ReadOnlyMemory<char>>(column);
        ReadOnlyMemory<char> value = default;
        return texts =>
        {
            scalar(ref value);
            texts.Add(value);
        };
    }
}
