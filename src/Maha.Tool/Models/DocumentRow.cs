using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Tool.Models;

/// <summary>The current document as a row of the input of a model.</summary>
internal sealed class DocumentRow(SavedModel model) : DataViewRow
{
    private long _index = -1;
    private string _text = "";

    public override DataViewSchema Schema => model.InputSchema;

    public override long Position => _index;

    public override long Batch => 0;

    /// <summary>Makes a document the current one.</summary>
    public void Set(long index, string text) => (_index, _text) = (index, text);

    public override bool IsColumnActive(DataViewSchema.Column column) => true;

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId value) => value = new DataViewRowId((ulong)_index, 0);

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column) => Getter<TValue>(model, column, () => _index, () => _text);

    /// <summary>Creates the getter of a column: the text, the index, and for all other columns, such as the label, the default of their type.</summary>
    public static ValueGetter<TValue> Getter<TValue>(SavedModel model, DataViewSchema.Column column, Func<long> index, Func<string> text)
    {
        Delegate getter = column.Name == SavedModel.IndexColumn ? (ValueGetter<long>)((ref long value) => value = index())
            : column.Index == model.Text.Index ? (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> value) => value = text().AsMemory())
            : (ValueGetter<TValue>)((ref TValue value) => value = default!);
        return getter as ValueGetter<TValue>
            ?? throw new InvalidOperationException($"Column '{column.Name}' holds {column.Type}, which cannot be read as {typeof(TValue)}.");
    }
}
