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
    private readonly string _parameter;
    // Null for texts.
    private readonly LabelNames? _ofKeys;
    private readonly LabelNames? _labels;
    private readonly Dictionary<string, int> _indices;
    private readonly bool _isValidation;

    private LabelSetColumn(
        DataViewSchema.Column column, string? separator, string parameter, LabelNames? ofKeys, LabelNames? labels = null, bool isValidation = false)
        : base(column)
    {
        (_separator, _parameter, _ofKeys, _labels, _isValidation) = (separator, parameter, ofKeys, labels, isValidation);
        _indices = (labels?.Names ?? []).Select((name, index) => (name, index)).ToDictionary(pair => pair.name, pair => pair.index, StringComparer.Ordinal);
    }

    /// <summary>Finds the label column of data. <see cref="WithLabels"/> returns the one that reads.</summary>
    /// <param name="schema">The schema of the data.</param>
    /// <param name="name">The name of the column.</param>
    /// <param name="separator">The text between two labels of a text; null for a vector.</param>
    /// <param name="parameter">The parameter in messages.</param>
    /// <exception cref="ArgumentOutOfRangeException">The column is missing or has another type.</exception>
    public static LabelSetColumn Bind(DataViewSchema schema, string name, string? separator, string parameter)
    {
        var column = InputColumns.Any(schema, name, parameter);
        if (column.Type is VectorDataViewType { ItemType: KeyDataViewType { Count: > 0 } key } && key.RawType == typeof(uint) && separator is null)
        {
            var labels = LabelNames.FromColumn(column) ?? LabelNames.Numbered(InputColumns.RequireClassCount(key, column.Name, parameter));
            return new LabelSetColumn(column, null, parameter, labels);
        }
        bool isText = separator is null ? column.Type is VectorDataViewType { ItemType: TextDataViewType } : column.Type is TextDataViewType;
        if (!isText)
        {
            string expected = separator is null ? Forms : "Text where there is a LabelSeparator";
            throw new ArgumentOutOfRangeException(
                parameter, $"Label column '{column.Name}' must be {expected}, but is {column.Type}. " +
                "Split a text with Text.TokenizeIntoWords, or set LabelSeparator.");
        }
        return new LabelSetColumn(column, separator, parameter, null);
    }

    /// <summary>Returns the labels of data: those that the keys stand for, or the texts that occur, in ordinal order.</summary>
    /// <param name="data">The data. Texts are read, keys are not.</param>
    /// <param name="check">Called before every row that is read; may throw.</param>
    public LabelNames LabelsOf(IDataView data, Action check)
    {
        if (_ofKeys is not null)
            return _ofKeys;
        var names = new SortedSet<string>(StringComparer.Ordinal);
        using var cursor = data.GetRowCursor([Column]);
        var textsOf = CreateTextGetter(cursor, cursor.Schema[Column.Index], _separator);
        while (cursor.MoveNext())
        {
            check();
            names.UnionWith(textsOf());
        }
        return LabelNames.FromFile(nameof(String), [.. names]);
    }

    /// <summary>Returns the column that reads the indices of a model's labels.</summary>
    /// <param name="labels">The labels.</param>
    /// <param name="isValidation">Whether a row with another text is refused; otherwise the text is left out.</param>
    /// <exception cref="ArgumentException">The keys stand for other labels.</exception>
    public LabelSetColumn WithLabels(LabelNames labels, bool isValidation = false)
    {
        if (_ofKeys is null)
            return new LabelSetColumn(Column, _separator, _parameter, null, labels, isValidation);
        labels.RequireKeys(_ofKeys, _parameter, isValidation);
        return this;
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
        if (_ofKeys is null)
        {
            var textsOf = CreateTextGetter(row, active, _separator);
            return () => [.. textsOf().Select(name => IndexOf(name, row.Position)).Where(index => index >= 0).Distinct().Order()];
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

    // The index of a text, or -1 for one that does not count.
    private int IndexOf(string name, long position)
    {
        if (_indices.TryGetValue(name, out int index))
            return index;
        if (!_isValidation)
            return -1;
        throw new ArgumentException(
            $"The validation set must have the labels of the training data ({_labels!.Show()}), but row {position} (from 0) has '{name}'. " +
            "Correct it, or leave it out.", _parameter);
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
