using System.Text.Json;
using System.Text.Json.Serialization;
using Maha.Layers.Data;
using Maha.MLNet.Classification;

namespace Maha.Onnx.Export;

/// <summary>The file <see cref="ExportFolder.Description"/> of an export: how the inputs of the graph are made, and what its outputs mean.</summary>
internal sealed record ExportDescription
{
    /// <summary>The version of the file that this library writes, the newest that it reads.</summary>
    public const int CurrentVersion = 1;

    public const string Multiclass = "multiclass classifier";
    public const string Binary = "binary classifier";
    public const string Encoder = "encoder";

    private const string FormatName = "maha-onnx";

    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        RespectNullableAnnotations = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };

    public string Format { get; init; } = FormatName;

    public int Version { get; init; } = CurrentVersion;

    public required string Kind { get; init; }

    public required TokenizerDescription Tokenizer { get; init; }

    /// <summary>The windows of a model that reads documents in windows.</summary>
    public WindowDescription? Windows { get; init; }

    /// <summary>The most tokens of a text that are read, without special tokens.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>The part of a longer text that is read.</summary>
    public required OverlongDocuments OverlongDocuments { get; init; }

    /// <summary>The labels in the order of the probabilities.</summary>
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>The temperature, which the graph applies already.</summary>
    public double? Temperature { get; init; }

    /// <summary>The probability of true above which a binary classifier predicts true, which the graph applies already.</summary>
    public double? Threshold { get; init; }

    /// <summary>The width of an encoder's vectors.</summary>
    public int? VectorSize { get; init; }

    /// <summary>Whether the graph has the inputs of the n-grams.</summary>
    public bool HasNGrams { get; init; }

    /// <summary>The format of the file of the n-grams.</summary>
    public int NGramFormat { get; init; }

    /// <summary>Whether the graph has the inputs of spectral parts with a tokenizer of their own.</summary>
    public bool HasSpectralIds { get; init; }

    /// <summary>The comparison with the model.</summary>
    public CheckDescription? Check { get; init; }

    /// <summary>The effect of leaving out the n-grams; null if nothing is left out.</summary>
    public OmittedNGrams? OmittedNGrams { get; init; }

    /// <summary>The SHA-256 of every other file, in hexadecimal.</summary>
    public IReadOnlyDictionary<string, string>? Files { get; init; }

    /// <summary>Returns the file.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, s_json);

    /// <summary>Reads a file.</summary>
    /// <exception cref="FileNotFoundException">There is no file.</exception>
    /// <exception cref="InvalidDataException">The file is not the description of an export, a setting is not valid, or a newer version of this library wrote
    /// it.</exception>
    public static ExportDescription Read(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"An exported model must have the file '{path}', but it is missing. Give the folder of the export.", path);
        try
        {
            var description = JsonSerializer.Deserialize<ExportDescription>(File.ReadAllBytes(path), s_json);
            if (description is not { Format: FormatName })
                throw new InvalidDataException($"'{path}' must be the description of an exported model, but is not. Export the model again.");
            if (description.Version > CurrentVersion || (description.HasNGrams && description.NGramFormat > ClassifierManifest.CurrentFormat))
            {
                throw new InvalidDataException(
                    $"This version of Maha.Onnx reads exports up to version {CurrentVersion} with n-grams of format {ClassifierManifest.CurrentFormat}, but " +
                    $"'{path}' has version {description.Version} and format {description.NGramFormat}. Update the package, or export the model again with " +
                    "this one.");
            }
            return description.Violation() is { } violation
                ? throw new InvalidDataException($"In '{path}', {violation}. Copy the whole folder again, or export the model again.")
                : description;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{path}' must be the description of an exported model, but is damaged: {e.Message} Export the model again.", e);
        }
    }

    // The rule that the settings violate, and their values; null if there is none.
    private string? Violation() => this switch
    {
        { Version: < 1 } => $"version must be at least 1, but is {Version}",
        { Kind: not (Multiclass or Binary or Encoder) } => $"kind must be '{Multiclass}', '{Binary}' or '{Encoder}', but is '{Kind}'",
        { Kind: not Encoder, Labels: null or { Count: 0 } } => $"labels must be those of the {Kind}, at least one, but there are none",
        { Labels: not null } when Labels.Contains(null) => $"labels must be texts, but label {Labels.Index().First(label => label.Item is null).Index} is null",
        { Kind: Encoder, HasNGrams: true } => $"hasNGrams must be false for an {Encoder}, but is true",
        { HasNGrams: true, NGramFormat: < 1 } => $"nGramFormat must be at least 1, but is {NGramFormat}",
        { Tokenizer.Kind: not (TokenizerDescription.WordPiece or TokenizerDescription.ByteLevelBpe) } =>
            $"tokenizer.kind must be '{TokenizerDescription.WordPiece}' or '{TokenizerDescription.ByteLevelBpe}', but is '{Tokenizer.Kind}'",
        { Windows: not null, Tokenizer.Kind: not TokenizerDescription.WordPiece } =>
            $"windows must be left out for a tokenizer other than '{TokenizerDescription.WordPiece}', but tokenizer.kind is '{Tokenizer.Kind}'",
        { Windows.Length: < WindowDescription.MinLength } =>
            $"windows.length must be at least {WindowDescription.MinLength}, but is {Windows.Length}",
        _ when !Enum.IsDefined(OverlongDocuments) =>
            $"overlongDocuments must be one of {string.Join(", ", Enum.GetNames<OverlongDocuments>())}, but is {OverlongDocuments}",
        { MaxTokens: < 1 } or { MaxTokens: < 2, OverlongDocuments: OverlongDocuments.KeepStartAndEnd } =>
            $"maxTokens must be at least 1, or 2 with {OverlongDocuments.KeepStartAndEnd}, but is {MaxTokens}",
        _ => null,
    };
}

/// <summary>The tokenizer of an exported model.</summary>
internal sealed record TokenizerDescription
{
    public const string WordPiece = "WordPiece";
    public const string ByteLevelBpe = "byte-level BPE";

    /// <summary>The regular expression of the words of byte-level BPE. A longer word than <see cref="MaxWordLength"/> is split.</summary>
    public const string WordPattern =
        @" ?[\p{L}\p{M}]+|['\u2019]\p{L}[\p{L}\p{M}]*| ?\p{N}{1,3}| ?[^\s\p{L}\p{M}\p{N}][^\s\p{L}\p{N}]*|\s*[\n\v\f\r\u0085\u2028\u2029]|\s+(?=\x20\S)|\s+";

    public required string Kind { get; init; }

    /// <summary>Whether WordPiece reads words in lower case and without accents.</summary>
    public bool LowerCase { get; init; }

    /// <summary>The regular expression of the words; null for WordPiece, which has BERT's words.</summary>
    public string? Words { get; init; }

    /// <summary>The most characters of a word of byte-level BPE.</summary>
    public int? MaxWordLength { get; init; }
}

/// <summary>The windows in which a model reads documents.</summary>
internal sealed record WindowDescription
{
    /// <summary>The fewest tokens of a window, as in TokenWindows.</summary>
    public const int MinLength = 8;

    /// <summary>The most tokens of a window, special tokens included; at least <see cref="MinLength"/>.</summary>
    public required int Length { get; init; }

    /// <summary>The id that begins a window.</summary>
    public required int ClsTokenId { get; init; }

    /// <summary>The id that ends a window.</summary>
    public required int SepTokenId { get; init; }

    /// <summary>The ids after which a window may end in its second half.</summary>
    public required IReadOnlyList<int> SentenceEndIds { get; init; }
}

/// <summary>The comparison of ONNX Runtime with the model.</summary>
internal sealed record CheckDescription(int NumTexts, double LargestDifference, double Tolerance);
