using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Tool.Models;

/// <summary>The labels that a classifier of several labels per document predicts for the current document.</summary>
internal sealed class LabelSetPrediction
{
    private const string PredictedLabels = "PredictedLabels", Probability = "Probability";

    private readonly DataViewSchema.Column _labels;
    private readonly DataViewSchema.Column? _probability;
    private readonly IReadOnlyList<string> _names;
    private ValueGetter<VBuffer<uint>> _readLabels = (ref VBuffer<uint> value) => value = default;
    private ValueGetter<VBuffer<float>>? _readProbabilities;
    private VBuffer<uint> _keys;
    private VBuffer<float> _probabilities;

    private LabelSetPrediction(DataViewSchema schema, DataViewSchema.Column labels)
    {
        (_labels, _names) = (labels, KeyNames.Of(labels));
        if (schema.GetColumnOrNull(Probability) is { Type: VectorDataViewType { ItemType: NumberDataViewType, Size: var size } } found && size == _names.Count)
            _probability = found;
    }

    /// <summary>The columns that are read.</summary>
    public IEnumerable<string> Columns => new[] { _labels.Name, _probability?.Name }.OfType<string>();

    /// <summary>Finds the column of predicted labels; null where the model has none.</summary>
    public static LabelSetPrediction? TryCreate(SavedModel model)
    {
        var schema = model.Transformer.GetOutputSchema(model.InputSchema);
        return schema.GetColumnOrNull(PredictedLabels) is { Type: VectorDataViewType { ItemType: KeyDataViewType } } labels
            ? new LabelSetPrediction(schema, labels)
            : null;
    }

    /// <summary>Binds the columns of a row.</summary>
    public void Bind(DataViewRow row)
    {
        _readLabels = row.GetGetter<VBuffer<uint>>(row.Schema[_labels.Name]);
        if (_probability is { } probability)
            _readProbabilities = row.GetGetter<VBuffer<float>>(row.Schema[probability.Name]);
    }

    /// <summary>Writes the labels of the current document, the most probable first, with their probabilities.</summary>
    /// <param name="json">The writer.</param>
    /// <param name="writesScores">Whether the probabilities of all labels are written, not only those of the predicted ones.</param>
    public void Write(Utf8JsonWriter json, bool writesScores)
    {
        _readLabels(ref _keys);
        json.WriteStartArray("predictedLabels");
        foreach (uint key in _keys.DenseValues())
            json.WriteStringValue(_names[(int)key - 1]);
        json.WriteEndArray();
        if (_readProbabilities is not { } read)
            return;
        read(ref _probabilities);
        float[] values = [.. _probabilities.DenseValues()];
        json.WriteStartObject("scores");
        foreach (int label in writesScores ? Enumerable.Range(0, _names.Count) : _keys.DenseValues().Select(key => (int)key - 1))
            ClassPrediction.WriteNumber(json, _names[label], values[label]);
        json.WriteEndObject();
    }
}
