using System.Globalization;
using Maha.MLNet.Rows;
using Maha.MLNet.Schema;
using Microsoft.ML;

namespace Maha.MLNet.Classification;

/// <summary>What a model of texts with labels is trained on.</summary>
/// <param name="Documents">What to train on.</param>
/// <param name="Validation">What to validate on; null to set apart a share of the training documents.</param>
/// <param name="Labels">The labels, in the order of the indices.</param>
internal sealed record LabeledData(LabeledTexts Documents, LabeledTexts? Validation, LabelNames Labels);

/// <summary>Streams texts with labels and weights out of a data view; the text is never all in memory.</summary>
/// <param name="data">The data.</param>
/// <param name="text">The text column.</param>
/// <param name="labels">The label column.</param>
/// <param name="weight">The weight column of Single; null if there is none.</param>
internal sealed class LabeledTexts(IDataView data, DataViewSchema.Column text, LabelColumn labels, DataViewSchema.Column? weight)
{
    /// <summary>The rows of the last reading whose label was missing; they are left out.</summary>
    public long NumMissingLabels { get; private set; }

    /// <summary>The rows of the last reading with a label and the weight 0; they are left out.</summary>
    public long NumZeroWeights { get; private set; }

    /// <summary>The rows that have a label and a weight above 0. A missing text is an empty one.</summary>
    /// <param name="check">Called before every row; may throw.</param>
    /// <exception cref="ArgumentException">A weight is negative, infinite or not a number.</exception>
    public IEnumerable<LabeledText> Read(Action check)
    {
        NumMissingLabels = NumZeroWeights = 0;
        using var cursor = data.GetRowCursor(weight is { } column ? [text, labels.Column, column] : [text, labels.Column]);
        var textOf = cursor.GetGetter<ReadOnlyMemory<char>>(cursor.Schema[text.Index]);
        var labelsOf = labels.CreateGetter(cursor);
        var weightOf = WeightGetter(cursor, weight);
        ReadOnlyMemory<char> value = default;
        while (cursor.MoveNext())
        {
            check();
            float? ownWeight = weightOf();
            if (labelsOf() is not { } own)
            {
                NumMissingLabels++;
                continue;
            }
            if (ownWeight == 0)
            {
                NumZeroWeights++;
                continue;
            }
            textOf(ref value);
            yield return new LabeledText(value.ToString(), own, ownWeight);
        }
    }

    /// <summary>Creates a getter of the weight of the current row.</summary>
    /// <param name="row">The row.</param>
    /// <param name="column">The column of the weights; null for rows that have none.</param>
    /// <returns>The getter. It throws an ArgumentException where a weight is negative, infinite or not a number.</returns>
    public static Func<float?> WeightGetter(DataViewRow row, DataViewSchema.Column? column)
    {
        if (column is not { } weights)
            return () => null;
        var getter = row.GetGetter<float>(row.Schema[weights.Index]);
        float value = 0;
        return () =>
        {
            getter(ref value);
            if (!(value >= 0 && float.IsFinite(value)))
            {
                string shown = value.ToString(CultureInfo.InvariantCulture);
                throw new ArgumentException(
                    $"The weights in column '{weights.Name}' must be finite and at least 0, but row {row.Position} (from 0) has {shown}. " +
                    "Correct it, or use 0 to leave the row out.");
            }
            return value;
        };
    }
}
