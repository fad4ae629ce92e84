using Maha.MLNet.Bridge;
using Maha.MLNet.Classification;
using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;
using static Maha.MLNet.Bridge.MLNetInternals;

namespace Maha.MLNet.MultiLabel;

/// <summary>A column of any number of labels per row: a vector of keys, a vector of texts, or a text with a separator between its labels.</summary>
internal sealed class LabelSetColumn : LabelColumn
{
    private const string Forms = "a vector of keys, a vector of texts, or a text with a LabelSeparator";

    private readonly string? _separator;
    private readonly Dictionary<string, int> _indices;

    private LabelSetColumn(DataViewSchema.Column column, string? separator, IReadOnlyList<string> names) : base(column)
    {
        _separator = separator;
        _indices = names.Select((name, index) => (name, index)).ToDictionary(pair => pair.name, pair => pair.index, StringComparer.Ordinal);
    }

    /// <summary>Finds the label column of data, and its labels.</summary>
    /// <param name="data">The data. Texts are read to collect the labels.</param>
    /// <param name="name">The name of the column.</param>
    /// <param name="separator">The text between two labels of a text; null for a vector.</param>
    /// <param name="known">The labels of the training data, for other data; null for the training data.</param>
    /// <param name="parameter">The parameter in messages.</param>
    /// <param name="cancellationToken">Checked before every row that is read.</param>
    /// <exception cref="ArgumentException">The column is missing or has another type, or other labels than the known ones.</exception>
    public static (LabelSetColumn Column, LabelNames Labels) Bind(
        IDataView data, string name, string? separator, LabelNames? known, string parameter, CancellationToken cancellationToken = default)
    {
        var column = InputColumns.Any(data.Schema, name, parameter);
        if (column.Type is VectorDataViewType { ItemType: KeyDataViewType { Count: > 0 } key } && key.RawType == typeof(uint) && separator is null)
        {
            var labels = LabelNames.FromColumn(column) ?? LabelNames.Numbered(InputColumns.RequireClassCount(key, column.Name, parameter));
            if (known is not null && !known.Names.SequenceEqual(labels.Names))
            {
                throw new ArgumentException(
                    $"The data must have the labels of the model ({known.Show()}), but have {labels.Show()}. " +
                    "Map both with one fitted MapValueToKey.", parameter);
            }
            return (new LabelSetColumn(column, null, []), labels);
        }
        bool isText = separator is null ? column.Type is VectorDataViewType { ItemType: TextDataViewType } : column.Type is TextDataViewType;
        if (!isText)
        {
            string expected = separator is null ? Forms : "Text where there is a LabelSeparator";
            throw new ArgumentOutOfRangeException(
                parameter, $"Label column '{column.Name}' must be {expected}, but is {column.Type}. " +
                "Split a text with Text.TokenizeIntoWords, or set LabelSeparator.");
        }
        var names = known ?? CollectLabels(data, column, separator, cancellationToken);
        return (new LabelSetColumn(column, separator, names.Names), names);
    }

    /// <summary>Checks the label column in the output schema of an earlier estimator.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The column is missing or will have another type.</exception>
    public static void Check(SchemaShape schema, MahaMultiLabelTextClassificationTrainer.Options options, string parameter)
    {
        var column = MLNetInternals.Find(schema, options.LabelColumnName) ?? throw InputColumns.Missing(schema, options.LabelColumnName, parameter);
        bool isVector = column.Kind != SchemaShape.Column.VectorKind.Scalar;
        bool isText = column is { IsKey: false, ItemType: TextDataViewType };
        bool isKey = column.IsKey && column.ItemType == NumberDataViewType.UInt32;
        if (options.LabelSeparator is null ? !isVector || !(isText || isKey) : isVector || !isText)
        {
            throw new ArgumentOutOfRangeException(
                parameter, $"Label column '{column.Name}' must be {Forms}, but will be {(column.IsKey ? "Key of " : "")}{column.ItemType} ({column.Kind}). " +
                "Split a text with Text.TokenizeIntoWords, or set LabelSeparator.");
        }
    }

    /// <summary>Returns the type of the labels in the output schema of an earlier estimator.</summary>
    public static DataViewType ValuesOf(SchemaShape schema, MahaMultiLabelTextClassificationTrainer.Options options)
    {
        var column = MLNetInternals.Find(schema, options.LabelColumnName)!.Value;
        return column.IsKey ? MLNetInternals.Find(column.Annotations, Annotation.KeyValues)?.ItemType ?? NumberDataViewType.UInt32 : TextDataViewType.Instance;
    }

    /// <inheritdoc/>
    public override Func<int[]?> CreateGetter(DataViewRow row)
    {
        var active = row.Schema[Column.Index];
        if (active.Type is not VectorDataViewType { ItemType: KeyDataViewType })
        {
            var textsOf = CreateTextGetter(row, active, _separator);
            return () => [.. textsOf().Where(_indices.ContainsKey).Select(name => _indices[name]).Distinct().Order()];
        }
        var getter = row.GetGetter<VBuffer<uint>>(active);
        VBuffer<uint> keys = default;
        return () =>
        {
            getter(ref keys);
            // A key of 0 is a label that the key column doesn't know.
            return [.. keys.DenseValues().Where(key => key > 0).Select(key => (int)key - 1).Distinct().Order()];
        };
    }

    // The labels that occur, in ordinal order.
    private static LabelNames CollectLabels(IDataView data, DataViewSchema.Column column, string? separator, CancellationToken cancellationToken)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        using var cursor = data.GetRowCursor([column]);
        var textsOf = CreateTextGetter(cursor, cursor.Schema[column.Index], separator);
        while (cursor.MoveNext())
        {
            cancellationToken.ThrowIfCancellationRequested();
            names.UnionWith(textsOf());
        }
        return LabelNames.FromFile(nameof(String), [.. names]);
    }

    private static Func<IEnumerable<string>> CreateTextGetter(DataViewRow row, DataViewSchema.Column column, string? separator)
    {
        if (separator is null)
        {
            var vector = row.GetGetter<VBuffer<ReadOnlyMemory<char>>>(column);
            VBuffer<ReadOnlyMemory<char>> texts = default;
            return () =>
            {
                vector(ref texts);
                return texts.DenseValues().Where(text => !text.IsEmpty).Select(text => text.ToString());
            };
        }
        var getter = row.GetGetter<ReadOnlyMemory<char>>(column);
        ReadOnlyMemory<char> joined = default;
        return () =>
        {
            getter(ref joined);
            return joined.ToString().Split(separator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        };
    }
}
