using System.Text.Json;
using System.Text.Json.Serialization;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;

namespace Maha.MLNet.ModelFiles;

/// <summary>What a saved model needs besides its tokenizer and weights, as JSON in the model file.</summary>
internal abstract record ModelManifest
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        RespectRequiredConstructorParameters = true,
        RespectNullableAnnotations = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>The form of the file; each kind of model counts its own.</summary>
    [JsonPropertyOrder(-3)]
    public required int FormatVersion { get; init; }

    /// <summary>The shape of the model.</summary>
    [JsonPropertyOrder(-2)]
    public required MahaTransformerOptions Model { get; init; }

    /// <summary>What is kept of a document that is longer than the model's MaxSequenceLength.</summary>
    [JsonPropertyOrder(-1)]
    public required OverlongDocuments OverlongDocuments { get; init; }

    /// <summary>Writes the manifest.</summary>
    public void Write(Stream stream) => JsonSerializer.Serialize(stream, this, GetType(), s_json);

    /// <summary>A lower bound of the network's number of weights, within a small factor of it.</summary>
    public virtual long LeastWeights() => LeastWeights(Model);

    /// <summary>A lower bound of the number of weights of a model of this shape, without heads.</summary>
    public static long LeastWeights(MahaTransformerOptions model)
    {
        long width = model.DModel;
        long weights = model.VocabSize * width;
        if (model.Positions == PositionKind.Learned)
            weights += model.MaxSequenceLength * width;
        for (int layer = 0; layer < model.NumLayers; layer++)
        {
            // Queries and keys for every scale and one value, or one of each.
            long projections = model.OfLayer(layer).Attention is MultiscaleOptions scales ? 1 + 2L * scales.CountScales(model.MaxSequenceLength) : 3;
            weights += projections * width * width + 2 * width * model.FeedForwardDim;
        }
        return weights;
    }

    /// <summary>Reads one part of a manifest of any kind; null where it has no such part.</summary>
    public static T? Part<T>(JsonElement manifest, string name) where T : class
        => manifest.ValueKind == JsonValueKind.Object && manifest.TryGetProperty(name, out var part) ? part.Deserialize<T>(s_json) : null;

    /// <summary>Reads and checks a manifest.</summary>
    /// <param name="stream">The JSON.</param>
    /// <param name="currentFormat">The newest form of this kind of model that this library reads.</param>
    /// <param name="noun">What messages call the model.</param>
    /// <exception cref="InvalidDataException">The file is newer than this library, or damaged.</exception>
    protected static T Read<T>(Stream stream, int currentFormat, string noun) where T : ModelManifest
    {
        try
        {
            using var document = JsonDocument.Parse(stream);
            // First the version: a newer file may have members that this version does not know.
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty(nameof(FormatVersion), out var version)
                || version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out int format) || format < 1)
            {
                throw new InvalidDataException($"The description of a Maha {noun} must start with a positive {nameof(FormatVersion)}, but this one does not. The file is damaged: save the model again.");
            }

            if (format > currentFormat)
                throw new InvalidDataException($"This version of Maha reads models up to format {currentFormat}, but the model has format {format}. Update the package Maha.MLNet, or save the model with the older version.");
            var manifest = document.Deserialize<T>(s_json)
                ?? throw new InvalidDataException($"The description of the {noun} is empty. The file is damaged: save the model again.");
            manifest.Validate();
            return manifest;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"The description of the {noun} is not valid: {e.Message} The file is damaged: save the model again.", e);
        }
    }

    /// <summary>Checks what was read.</summary>
    /// <exception cref="ArgumentException">A part is not valid.</exception>
    protected virtual void Validate()
    {
        Model.Validate();
        TokenLimit.Check(Model.MaxSequenceLength, OverlongDocuments);
    }
}
