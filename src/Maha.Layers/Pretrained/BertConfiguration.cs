using System.Text;
using System.Text.Json;
using Maha.Layers.Weights;

namespace Maha.Layers.Pretrained;

/// <summary>The settings of a BERT model that its config.json and tokenizer_config.json hold and its weights do not.</summary>
internal sealed record BertConfiguration
{
    /// <summary>H, the number of heads; null where the files do not say.</summary>
    public int? NumHeads { get; private init; }

    /// <summary>L, the number of layers; null where the files do not say.</summary>
    public int? NumLayers { get; private init; }

    /// <summary>The number added to the variance in norms; null where the files do not say.</summary>
    public double? NormEpsilon { get; private init; }

    /// <summary>Whether letters become lower case; null where the files do not say.</summary>
    public bool? LowerCase { get; private init; }

    /// <summary>Reads the files of a folder that exist, and refuses settings that would be computed wrongly.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="WeightFileException">A file is damaged, or states a model that is not supported.</exception>
    public static BertConfiguration Read(string folder)
    {
        var configuration = new BertConfiguration();
        string modelPath = Path.Combine(folder, "config.json");
        if (File.Exists(modelPath))
        {
            using var document = Parse(modelPath);
            var model = document.RootElement;
            Require(model, modelPath, "model_type", "bert");
            Require(model, modelPath, "hidden_act", "gelu");
            Require(model, modelPath, "position_embedding_type", "absolute");
            RequireBoolean(model, modelPath, "is_decoder", false);
            configuration = configuration with
            {
                NumHeads = ReadCount(model, modelPath, "num_attention_heads"),
                NumLayers = ReadCount(model, modelPath, "num_hidden_layers"),
                NormEpsilon = ReadEpsilon(model, modelPath),
            };
        }
        string tokenizerPath = Path.Combine(folder, "tokenizer_config.json");
        if (File.Exists(tokenizerPath))
        {
            using var document = Parse(tokenizerPath);
            var tokenizer = document.RootElement;
            bool? lowerCase = ReadBoolean(tokenizer, tokenizerPath, "do_lower_case");
            RequireBoolean(tokenizer, tokenizerPath, "tokenize_chinese_chars", true);
            RequireBoolean(tokenizer, tokenizerPath, "do_basic_tokenize", true);
            if (lowerCase is { } lower)
                RequireBoolean(tokenizer, tokenizerPath, "strip_accents", lower);
            configuration = configuration with { LowerCase = lowerCase };
        }
        return configuration;
    }

    private static JsonDocument Parse(string path)
    {
        try
        {
            byte[] bytes = File.ReadAllBytes(path);
            int start = bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? Encoding.UTF8.Preamble.Length : 0;
            var document = JsonDocument.Parse(bytes.AsMemory(start));
            if (document.RootElement.ValueKind == JsonValueKind.Object)
                return document;
            document.Dispose();
        }
        catch (JsonException cause)
        {
            throw new WeightFileException($"'{path}' must be JSON, but is not: {cause.Message} Copy the file again.", cause);
        }
        throw new WeightFileException($"'{path}' must be a JSON object, but is another value. Copy the file again.");
    }

    private static void Require(JsonElement root, string path, string name, string supported)
    {
        if (Find(root, name) is not { } value)
            return;
        if (value.ValueKind != JsonValueKind.String || !IsText(value, supported))
        {
            throw new WeightFileException(
                $"\"{name}\" in '{path}' must be \"{supported}\", but is {value.GetRawText()}. Other models than BERT's encoder are not supported.");
        }
    }

    // A string that is not valid UTF-8, or has half of a surrogate pair, is no text and can't be compared.
    private static bool IsText(JsonElement value, string text)
    {
        try
        {
            return value.ValueEquals(text);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static void RequireBoolean(JsonElement root, string path, string name, bool supported)
    {
        if (ReadBoolean(root, path, name) is { } value && value != supported)
        {
            throw new WeightFileException(
                $"\"{name}\" in '{path}' must be {(supported ? "true" : "false")} or absent here, but is {(value ? "true" : "false")}. " +
                "Such models are not supported, because their results would differ from those of their authors.");
        }
    }

    private static bool? ReadBoolean(JsonElement root, string path, string name) => Find(root, name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } other => throw new WeightFileException($"\"{name}\" in '{path}' must be true or false, but is {other.GetRawText()}."),
    };

    private static int? ReadCount(JsonElement root, string path, string name)
    {
        if (Find(root, name) is not { } value)
            return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out int count) && count > 0
            ? count
            : throw new WeightFileException($"\"{name}\" in '{path}' must be an integer of at least 1, but is {value.GetRawText()}.");
    }

    private static double? ReadEpsilon(JsonElement root, string path)
    {
        if (Find(root, "layer_norm_eps") is not { } value)
            return null;
        return value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double epsilon) && epsilon is > 0 and < 1
            ? epsilon
            : throw new WeightFileException($"\"layer_norm_eps\" in '{path}' must be over 0 and under 1, but is {value.GetRawText()}.");
    }

    private static JsonElement? Find(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;
}
