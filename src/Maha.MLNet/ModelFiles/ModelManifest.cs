using System.Text.Json;
using System.Text.Json.Serialization;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;

namespace Maha.MLNet.ModelFiles;

/// <summary>The description of a saved model, as JSON in the model file: everything but its tokenizer and weights.</summary>
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

    /// <summary>The format version of the file, from 1. Each kind of model has its own numbers.</summary>
    [JsonPropertyOrder(-3)]
    public required int FormatVersion { get; init; }

    /// <summary>The architecture of the model.</summary>
    [JsonPropertyOrder(-2)]
    public required MahaTransformerOptions Model { get; init; }

    /// <summary>The part that is kept of a document with more tokens than the limit.</summary>
    [JsonPropertyOrder(-1)]
    public required OverlongDocuments OverlongDocuments { get; init; }

    /// <summary>The most tokens of a document that the model reads.</summary>
    [JsonIgnore]
    public virtual int MaxDocumentTokens => Model.MaxSequenceLength;

    /// <summary>Whether the tokenizer is WordPiece, which pretrained encoders bring, and not byte-level BPE, which every other training learns.</summary>
    [JsonIgnore]
    public virtual bool UsesWordPiece => false;

    /// <summary>Writes the manifest.</summary>
    public void Write(Stream stream) => JsonSerializer.Serialize(stream, this, GetType(), s_json);

    /// <summary>Computes a lower bound of the network's number of weights, within a small factor of it.</summary>
    public virtual long MinNumWeights() => MinNumWeights(Model);

    /// <summary>Computes a lower bound of the number of weights of a transformer of this architecture, without heads.</summary>
    public static long MinNumWeights(MahaTransformerOptions model)
    {
        long width = model.DModel;
        long weights = model.VocabSize * width;
        if (model.Positions == PositionKind.Learned)
            weights += model.MaxSequenceLength * width;
        for (int layer = 0; layer < model.NumLayers; layer++)
        {
            // Queries and keys for every scale and one value projection, or one of each.
            long projections = model.OfLayer(layer).Attention is MultiscaleOptions scales ? 1 + 2L * scales.CountScales(model.MaxSequenceLength) : 3;
            weights += projections * width * width + 2 * width * model.FeedForwardDim;
        }
        return weights;
    }

    /// <summary>Reads one member of a manifest of any kind.</summary>
    /// <returns>The member, or null if there is none of that name.</returns>
    public static T? ReadMember<T>(JsonElement manifest, string name) where T : class
        => manifest.ValueKind == JsonValueKind.Object && manifest.TryGetProperty(name, out var part) ? part.Deserialize<T>(s_json) : null;

    /// <summary>Reads and checks a manifest.</summary>
    /// <param name="stream">The JSON.</param>
    /// <param name="currentFormat">The newest format version of this kind of model that this library reads.</param>
    /// <param name="kind">The kind of model in messages, for instance "classifier".</param>
    /// <exception cref="MahaModelVersionException">A newer version of this library wrote the file.</exception>
    /// <exception cref="MahaModelFileException">The file is damaged.</exception>
    protected static T Read<T>(Stream stream, int currentFormat, string kind) where T : ModelManifest
    {
        try
        {
            using var document = JsonDocument.Parse(stream);
            // The version first: a newer file may have members that this version does not know.
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty(nameof(FormatVersion), out var version)
                || version.ValueKind != JsonValueKind.Number || !version.TryGetInt32(out int format) || format < 1)
            {
                throw MahaModelFileException.Damaged(
                    $"The description of a Maha {kind} must start with a positive {nameof(FormatVersion)}, but this one does not.");
            }

            if (format > currentFormat)
                throw new MahaModelVersionException($"This version of Maha reads models up to format {currentFormat}, but the model has format {format}.");
            var manifest = document.Deserialize<T>(s_json)
                ?? throw MahaModelFileException.Damaged($"The description of a Maha {kind} must not be empty, but is.");
            manifest.Validate();
            return manifest;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw MahaModelFileException.Damaged($"The description of the {kind} is not valid: {e.Message}", e);
        }
    }

    /// <summary>Checks the members.</summary>
    /// <exception cref="ArgumentException">A member is not valid.</exception>
    protected virtual void Validate()
    {
        Model.Validate();
        TokenLimit.Check(MaxDocumentTokens, OverlongDocuments);
    }

    /// <summary>Checks that columns have names.</summary>
    /// <param name="kind">The kind of model in messages, with its article.</param>
    /// <param name="names">The names; null for a column that the model does not have.</param>
    /// <exception cref="ArgumentException">A name is empty.</exception>
    protected static void CheckColumnNames(string kind, params IEnumerable<string?> names)
    {
        if (names.Any(name => name?.Length == 0))
            throw new ArgumentException($"The columns of {kind} must have names, but one is empty.");
    }
}
