using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Tool.Models;

/// <summary>Reads the predicted class, and the scores of the classes, from the rows of a classifier.</summary>
internal sealed class ClassPrediction
{
    private const string PredictedLabel = "PredictedLabel", Score = "Score", Probability = "Probability";

    private readonly DataViewSchema.Column _label;
    private readonly DataViewSchema.Column? _score;
    private readonly DataViewSchema.Column? _probability;
    private Func<int> _readLabel = () => -1;
    private Action _readScores = () => { };
    private float[] _scores = [];

    /// <summary>Finds the columns of a classifier.</summary>
    /// <exception cref="UsageException">The model is not a classifier.</exception>
    public ClassPrediction(SavedModel model)
    {
        var schema = model.Transformer.GetOutputSchema(model.InputSchema);
        var label = schema.GetColumnOrNull(PredictedLabel);
        (_label, Classes) = label switch
        {
            { Type: BooleanDataViewType } => (label.Value, ["false", "true"]),
            { Type: KeyDataViewType } => (label.Value, KeyNames.Of(label.Value)),
            { Type: TextDataViewType } when KeyNames.OfSlots(schema.GetColumnOrNull(Score)) is { } names => (label.Value, names),
            _ => throw new UsageException(Describe(model, schema, label)),
        };
        IsBinary = _label.Type is BooleanDataViewType;
        if (schema.GetColumnOrNull(Probability) is { Type: NumberDataViewType } probability)
            _probability = probability;
        if (schema.GetColumnOrNull(Score) is { Type: VectorDataViewType { ItemType: NumberDataViewType, Size: var size } } score && size == Classes.Count)
            _score = score;
    }

    /// <summary>The labels of the classes.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>Whether the classes are true and false.</summary>
    public bool IsBinary { get; }

    /// <summary>The columns that are read.</summary>
    public IEnumerable<string> Columns => new[] { _label.Name, _score?.Name, _probability?.Name }.OfType<string>();

    /// <summary>The index of the predicted class; -1 if the model has none for the document.</summary>
    public int Predicted { get; private set; }

    /// <summary>The scores of the classes, which are probabilities for Maha's classifiers; empty if the model has none.</summary>
    public ReadOnlySpan<float> Scores => _scores;

    /// <summary>Reads from a row, or from a cursor, from now on.</summary>
    public void Bind(DataViewRow row)
    {
        var schema = row.Schema;
        if (IsBinary)
        {
            var getter = row.GetGetter<bool>(schema[_label.Name]);
            bool value = false;
            _readLabel = () =>
            {
                getter(ref value);
                return value ? 1 : 0;
            };
        }
        else if (_label.Type is TextDataViewType)
        {
            var getter = row.GetGetter<ReadOnlyMemory<char>>(schema[_label.Name]);
            var indices = new Dictionary<string, int>();
            for (int i = 0; i < Classes.Count; i++)
                indices.TryAdd(Classes[i], i);
            var indexOf = indices.GetAlternateLookup<ReadOnlySpan<char>>();
            ReadOnlyMemory<char> name = default;
            _readLabel = () =>
            {
                getter(ref name);
                return indexOf.TryGetValue(name.Span, out int index) ? index : -1;
            };
        }
        else
        {
            var getter = row.GetGetter<uint>(schema[_label.Name]);
            uint key = 0;
            _readLabel = () =>
            {
                getter(ref key);
                return (int)key - 1;
            };
        }
        if (_score is { } score)
        {
            var getter = row.GetGetter<VBuffer<float>>(schema[score.Name]);
            VBuffer<float> values = default;
            _scores = new float[Classes.Count];
            _readScores = () =>
            {
                getter(ref values);
                values.CopyTo(_scores);
            };
        }
        else if (_probability is { } probability)
        {
            var getter = row.GetGetter<float>(schema[probability.Name]);
            float value = 0;
            _scores = new float[2];
            _readScores = () =>
            {
                getter(ref value);
                (_scores[0], _scores[1]) = (1 - value, value);
            };
        }
    }

    /// <summary>Reads the prediction of the current row.</summary>
    public void Read()
    {
        Predicted = _readLabel();
        _readScores();
    }

    /// <summary>Writes the prediction that was read last.</summary>
    public void Write(Utf8JsonWriter json, bool writesScores)
    {
        if (Predicted < 0)
            json.WriteNull("predictedLabel");
        else if (IsBinary)
            json.WriteBoolean("predictedLabel", Predicted == 1);
        else
            json.WriteString("predictedLabel", Classes[Predicted]);
        if (_scores.Length == 0)
            return;
        if (Predicted >= 0)
            WriteNumber(json, "score", _scores[Predicted]);
        if (!writesScores)
            return;
        json.WriteStartObject("scores");
        for (int i = 0; i < _scores.Length; i++)
            WriteNumber(json, Classes[i], _scores[i]);
        json.WriteEndObject();
    }

    private static string Describe(SavedModel model, DataViewSchema schema, DataViewSchema.Column? label)
    {
        var columns = schema.Where(column => !column.IsHidden && column.Name != SavedModel.IndexColumn).Select(column => $"{column.Name} ({column.Type})");
        return $"--model must be a classifier, which has a column {PredictedLabel} of keys, of Booleans, or of texts with the names of the classes as the slot "
            + $"names of {Score}, but '{model.Path}' has the columns {string.Join(", ", columns)}. "
            + (LabelSetPrediction.TryCreate(model) is not null ? "Several labels per document are measured by MahaEvaluateMultiLabel in a program."
                : label is null ? "For vectors use 'maha embed'."
                : $"Save the model without the last step that writes {PredictedLabel}, such as MapKeyToValue.");
    }

    /// <summary>Writes a number; null where JSON has none.</summary>
    public static void WriteNumber(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value))
            json.WriteNumber(name, value);
        else
            json.WriteNull(name);
    }

    /// <summary>Writes a number; null where JSON has none.</summary>
    public static void WriteNumber(Utf8JsonWriter json, string name, float value)
    {
        if (float.IsFinite(value))
            json.WriteNumber(name, value);
        else
            json.WriteNull(name);
    }
}
