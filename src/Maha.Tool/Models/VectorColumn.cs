using System.Text.Json;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Tool.Models;

/// <summary>Reads the vectors of documents from the rows of an encoder.</summary>
internal sealed class VectorColumn
{
    private VBuffer<float> _values;
    private ValueGetter<VBuffer<float>> _getter = (ref VBuffer<float> value) => value = default;

    /// <summary>Finds the column.</summary>
    /// <param name="model">The encoder.</param>
    /// <param name="name">The name; null for Features, or else the only column of vectors that the model adds, other than scores.</param>
    /// <exception cref="UsageException">There is no such column.</exception>
    public VectorColumn(SavedModel model, string? name)
    {
        var schema = model.Transformer.GetOutputSchema(model.InputSchema);
        DataViewSchema.Column[] columns = [.. schema.Where(column => !column.IsHidden && column.Type is VectorDataViewType { Size: > 0 } type
            && type.ItemType == NumberDataViewType.Single)];
        string[] names = [.. columns.Select(column => column.Name)];
        string[] vectors = [.. columns.Where(column => !IsScore(column)).Select(column => column.Name)];
        Name = name is not null ? names.FirstOrDefault(column => column == name)
                ?? throw new UsageException($"--column must name a column of vectors of '{model.Path}', but is '{name}'. They are: {Join(names)}.")
            : vectors.Contains("Features") ? "Features"
            : vectors is [var only] ? only
            : vectors is [] ? throw new UsageException(
                $"--model must be an encoder, which adds a column of vectors, but '{model.Path}' has {(names is [] ? "none" : $"only scores: {Join(names)}")}. "
                + $"Train one with 'maha train --encoder'{(names is [] ? "" : ", or name a column with --column")}.")
            : throw new UsageException($"--column must name the column of the vectors. '{model.Path}' has: {Join(vectors)}.");
    }

    /// <summary>The name of the column.</summary>
    public string Name { get; }

    /// <summary>Reads from a row, or from a cursor, from now on.</summary>
    public void Bind(DataViewRow row) => _getter = row.GetGetter<VBuffer<float>>(row.Schema[Name]);

    /// <summary>Writes the vector of the current row.</summary>
    public void Write(Utf8JsonWriter json)
    {
        _getter(ref _values);
        json.WriteStartArray("vector");
        foreach (float value in _values.DenseValues())
        {
            if (float.IsFinite(value))
                json.WriteNumberValue(value);
            else
                json.WriteNullValue();
        }
        json.WriteEndArray();
    }

    // The probabilities of a classifier are a vector, but none of the text.
    private static bool IsScore(DataViewSchema.Column column) => column.Annotations.Schema.GetColumnOrNull("ScoreColumnKind") is not null;

    private static string Join(string[] names) => names.Length == 0 ? "none" : string.Join(", ", names);
}
