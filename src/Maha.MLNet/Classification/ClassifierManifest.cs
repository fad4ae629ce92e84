using System.Text.Json;
using System.Text.Json.Serialization;
using Maha.Layers.Attention;
using Maha.Layers.Models;
using Maha.Layers.Training;
using Maha.MLNet.Internal;

namespace Maha.MLNet.Classification;

/// <summary>What a saved classifier needs besides its tokenizer and weights, as JSON in the model file.</summary>
internal sealed record ClassifierManifest
{
    /// <summary>The newest form of the file that this library writes and reads.</summary>
    public const int CurrentFormat = 1;

    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>The form of the file, see <see cref="CurrentFormat"/>.</summary>
    public required int FormatVersion { get; init; }

    /// <summary>The shape of the model.</summary>
    public required MahaTransformerOptions Model { get; init; }

    /// <summary>The columns of the transformer.</summary>
    public required ClassifierColumns Columns { get; init; }

    /// <summary>What is kept of a document that is longer than the model's MaxSequenceLength.</summary>
    public required OverlongDocuments OverlongDocuments { get; init; }

    /// <summary>The type of a label's value, see <see cref="LabelNames.TypeName"/>.</summary>
    public required string LabelType { get; init; }

    /// <summary>The labels in the order of the scores.</summary>
    public required IReadOnlyList<string> Labels { get; init; }

    /// <summary>Writes the manifest.</summary>
    public void Write(Stream stream) => JsonSerializer.Serialize(stream, this, s_json);

    /// <summary>Reads and checks a manifest.</summary>
    /// <exception cref="InvalidDataException">The file is newer than this library, or damaged.</exception>
    public static ClassifierManifest Read(Stream stream)
    {
        try
        {
            using var document = JsonDocument.Parse(stream);
            // First the version: a newer file may have members that this version does not know.
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty(nameof(FormatVersion), out var version)
                || version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out int format) || format < 1)
                throw new InvalidDataException($"The description of a Maha classifier must start with a positive {nameof(FormatVersion)}, but this one does not. The file is damaged: save the model again.");
            if (format > CurrentFormat)
                throw new InvalidDataException($"This version of Maha reads models up to format {CurrentFormat}, but the model has format {format}. Update the package Maha.MLNet, or save the model with the older version.");
            var manifest = document.Deserialize<ClassifierManifest>(s_json)
                ?? throw new InvalidDataException("The description of the classifier is empty. The file is damaged: save the model again.");
            manifest.Validate();
            return manifest;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"The description of the classifier is not valid: {e.Message} The file is damaged: save the model again.", e);
        }
    }

    /// <summary>A lower bound of the network's number of weights, within a small factor of it.</summary>
    public long LeastWeights()
    {
        long width = Model.DModel;
        long weights = Model.VocabSize * width + Labels.Count * width;
        if (Model.Positions == PositionKind.Learned)
            weights += Model.MaxSequenceLength * width;
        for (int layer = 0; layer < Model.NumLayers; layer++)
        {
            var attention = Model.LayerAttention is { } kinds ? kinds[layer] : Model.Attention;
            // Queries and keys for every scale and one value, or one of each.
            long projections = attention is AttentionKind.Maha or AttentionKind.MahaReference ? 1 + 2L * Model.NumScales : 3;
            weights += projections * width * width + 2 * width * Model.FeedForwardDim;
        }
        return weights;
    }

    private void Validate()
    {
        Model.Validate();
        ClassifierFitting.CheckLimit(Model.MaxSequenceLength, OverlongDocuments);
        if (Labels.Count < 2 || Labels.Contains(null!))
            throw new ArgumentException($"A classifier must have at least two labels, none of them null, but the file has {Labels.Count}.");
        string?[] added = [Columns.Score, Columns.Probability, Columns.PredictedLabel];
        if (Columns.Text.Length == 0 || added.Any(name => name?.Length == 0))
            throw new ArgumentException("The columns of a classifier must have names, but one is empty.");
        // Reads them once, so that a name that is no value of its type is found here.
        LabelNames.FromFile(LabelType, Labels);
        if (Columns.Probability is not null && (Labels.Count != 2 || LabelType != nameof(Boolean)))
            throw new ArgumentException($"A classifier with a probability column must have the two labels of type Boolean, but the file has {Labels.Count} of type {LabelType}.");
    }
}

/// <summary>The columns of a classifier.</summary>
/// <param name="Label">The label that was trained on.</param>
/// <param name="Text">The text that is read.</param>
/// <param name="Score">The scores that are written.</param>
/// <param name="Probability">The probability that is written; null for more than two classes, where the scores are probabilities.</param>
/// <param name="PredictedLabel">The best label that is written.</param>
internal sealed record ClassifierColumns(string Label, string Text, string Score, string? Probability, string PredictedLabel);
