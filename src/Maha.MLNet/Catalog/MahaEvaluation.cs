using Maha.MLNet.Classification;
using Maha.MLNet.MultiLabel;
using Maha.MLNet.Schema;
using Microsoft.ML.Data;
using static Maha.MLNet.Bridge.MLNetInternals;

namespace Microsoft.ML;

/// <summary>Metrics of predictions that ML.NET does not have.</summary>
public static class MahaEvaluation
{
    /// <summary>Computes the coverage and accuracy of a multiclass classifier that abstains below a threshold, for every threshold.</summary>
    /// <param name="catalog">The catalog: <c>mlContext.MulticlassClassification</c>.</param>
    /// <param name="data">Predictions of documents that the model was not trained on.</param>
    /// <param name="labelColumnName">The name of the column of the true labels, keys with the values of those of the training.</param>
    /// <param name="scoreColumnName">The name of the column of the probabilities of the classes.</param>
    /// <param name="exampleWeightColumnName">The name of the column of the weights, of type Single; null for equal weights. Rows of weight 0 do not count.</param>
    /// <returns>The curve. Rows without a label do not count.</returns>
    /// <exception cref="ArgumentException">
    /// A column is missing or has another type, the keys of the true labels are not those of the model, no row has a label, a score is not a probability, or a
    /// weight is negative, infinite or not a number.
    /// </exception>
    public static CoverageCurve MahaCoverageCurve(
        this MulticlassClassificationCatalog catalog, IDataView data, string labelColumnName = MahaSupervisedOptions.Defaults.LabelColumnName,
        string scoreColumnName = MahaSupervisedOptions.Defaults.ScoreColumnName, string? exampleWeightColumnName = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(data);
        var label = InputColumns.KeyLabel(data.Schema, labelColumnName, nameof(data));
        var score = InputColumns.Probabilities(data.Schema, scoreColumnName, nameof(data));
        if (LabelNames.FromColumn(label) is { } keys && LabelNames.FromColumn(score, Annotation.TrainingLabelValues) is { } labels)
            labels.RequireKeys(keys, nameof(data));
        return Create(data, [label, score], exampleWeightColumnName, row =>
        {
            var labelOf = row.GetGetter<uint>(label);
            var scoresOf = row.GetGetter<VBuffer<float>>(score);
            uint key = 0;
            VBuffer<float> scores = default;
            return () =>
            {
                labelOf(ref key);
                if (key == 0)
                    return null;
                scoresOf(ref scores);
                float[] values = scores.DenseValues().ToArray();
                float highest = values.Max();
                return (highest, Array.IndexOf(values, highest) == key - 1);
            };
        });
    }

    /// <summary>Computes the coverage and accuracy of a binary classifier that abstains below a threshold, for every threshold.</summary>
    /// <param name="catalog">The catalog: <c>mlContext.BinaryClassification</c>.</param>
    /// <param name="data">Predictions of documents that the model was not trained on.</param>
    /// <param name="labelColumnName">The name of the column of the true labels, of type Boolean.</param>
    /// <param name="probabilityColumnName">The name of the column of the probability of true.</param>
    /// <param name="predictedLabelColumnName">The name of the column of the predicted labels.</param>
    /// <param name="exampleWeightColumnName">The name of the column of the weights, of type Single; null for equal weights. Rows of weight 0 do not count.</param>
    /// <returns>The curve.</returns>
    /// <exception cref="ArgumentException">
    /// A column is missing or has another type, there is no row, a probability is not in [0, 1], or a weight is negative, infinite or not a number.
    /// </exception>
    public static CoverageCurve MahaCoverageCurve(
        this BinaryClassificationCatalog catalog, IDataView data, string labelColumnName = MahaSupervisedOptions.Defaults.LabelColumnName,
        string probabilityColumnName = MahaSupervisedOptions.Defaults.ProbabilityColumnName,
        string predictedLabelColumnName = MahaSupervisedOptions.Defaults.PredictedLabelColumnName, string? exampleWeightColumnName = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(data);
        var label = InputColumns.BooleanLabel(data.Schema, labelColumnName, nameof(data));
        var predicted = InputColumns.BooleanLabel(data.Schema, predictedLabelColumnName, nameof(data));
        var probability = InputColumns.Single(data.Schema, probabilityColumnName, nameof(data));
        return Create(data, [label, predicted, probability], exampleWeightColumnName, row =>
        {
            var labelOf = row.GetGetter<bool>(label);
            var predictedOf = row.GetGetter<bool>(predicted);
            var probabilityOf = row.GetGetter<float>(probability);
            bool truth = false, answer = false;
            float ofTrue = 0;
            return () =>
            {
                labelOf(ref truth);
                predictedOf(ref answer);
                probabilityOf(ref ofTrue);
                return (answer ? ofTrue : 1 - (double)ofTrue, answer == truth);
            };
        });
    }

    /// <summary>Evaluates predictions of several labels per document.</summary>
    /// <param name="catalog">The catalog: <c>mlContext.MulticlassClassification</c>.</param>
    /// <param name="data">Predictions of documents that the model was not trained on, with their true labels.</param>
    /// <param name="labelColumnName">The name of the column of the true labels: a vector of keys, a vector of texts, or a text with a separator.</param>
    /// <param name="scoreColumnName">The name of the column that ranks the labels: their scores or probabilities, one per label of the model.</param>
    /// <param name="predictedLabelsColumnName">The name of the column of the predicted labels, a vector of keys with the labels of the model as values.</param>
    /// <param name="labelSeparator">The text between two labels of a text; null for a vector.</param>
    /// <param name="exampleWeightColumnName">The name of the column of the weights, of type Single; null for equal weights. Rows of weight 0 do not count.</param>
    /// <returns>The metrics. Labels that the model does not know do not count.</returns>
    /// <exception cref="ArgumentException">
    /// A column is missing or has another type, the keys of the true labels are not those of the model, or a weight is negative, infinite or not a number.
    /// </exception>
    public static MultiLabelMetrics MahaEvaluateMultiLabel(
        this MulticlassClassificationCatalog catalog, IDataView data, string labelColumnName = MahaSupervisedOptions.Defaults.LabelColumnName,
        string scoreColumnName = MahaSupervisedOptions.Defaults.ProbabilityColumnName, string predictedLabelsColumnName = "PredictedLabels",
        string? labelSeparator = null, string? exampleWeightColumnName = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(data);
        var score = InputColumns.Probabilities(data.Schema, scoreColumnName, nameof(data));
        var predicted = InputColumns.LabelSet(data.Schema, predictedLabelsColumnName, nameof(data));
        var names = LabelNames.FromColumn(predicted) ?? LabelNames.Numbered(((VectorDataViewType)score.Type).Size);
        if (((VectorDataViewType)score.Type).Size != names.Count)
        {
            throw new ArgumentException(
                $"Column '{scoreColumnName}' must have one number per label of '{predictedLabelsColumnName}', but has {((VectorDataViewType)score.Type).Size} " +
                $"for {names.Count} labels. Name the columns of one model.", nameof(data));
        }
        var label = LabelSetColumn.Bind(data.Schema, labelColumnName, labelSeparator, nameof(data)).WithLabels(names);
        var weight = InputColumns.Weight(data.Schema, exampleWeightColumnName, nameof(data));
        return MultiLabelMetrics.Create(Read(), names.Names);

        IEnumerable<(IReadOnlyList<float> Scores, bool[] IsPredicted, int[] Labels, double Weight)> Read()
        {
            using var cursor = data.GetRowCursor(weight is { } active ? [label.Column, score, predicted, active] : [label.Column, score, predicted]);
            var labelsOf = label.CreateGetter(cursor);
            var scoresOf = cursor.GetGetter<VBuffer<float>>(score);
            var predictedOf = cursor.GetGetter<VBuffer<uint>>(predicted);
            var weightOf = LabeledTexts.WeightGetter(cursor, weight);
            VBuffer<float> scores = default;
            VBuffer<uint> keys = default;
            while (cursor.MoveNext())
            {
                float own = weightOf() ?? 1;
                if (own == 0)
                    continue;
                scoresOf(ref scores);
                predictedOf(ref keys);
                bool[] isPredicted = new bool[names.Count];
                // A key of 0 is a missing label.
                foreach (uint key in keys.DenseValues().Where(key => key > 0))
                    isPredicted[key - 1] = true;
                yield return (scores.DenseValues().ToArray(), isPredicted, labelsOf()!, own);
            }
        }
    }

    private static CoverageCurve Create(
        IDataView data, DataViewSchema.Column[] columns, string? weightColumnName,
        Func<DataViewRow, Func<(double Probability, bool IsCorrect)?>> createGetter)
    {
        var weightColumn = InputColumns.Weight(data.Schema, weightColumnName, nameof(data));
        var probabilities = new List<double>();
        var correct = new List<bool>();
        var weights = weightColumn is null ? null : new List<float>();
        using var cursor = data.GetRowCursor(weightColumn is { } column ? [.. columns, column] : columns);
        var predictionOf = createGetter(cursor);
        var weightOf = LabeledTexts.WeightGetter(cursor, weightColumn);
        while (cursor.MoveNext())
        {
            float? weight = weightOf();
            if (weight == 0 || predictionOf() is not var (probability, isCorrect))
                continue;
            probabilities.Add(probability);
            correct.Add(isCorrect);
            if (weight is { } own)
                weights?.Add(own);
        }
        return CoverageCurve.Create(probabilities, correct, weights);
    }
}
