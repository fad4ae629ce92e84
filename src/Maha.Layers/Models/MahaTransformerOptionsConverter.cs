using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Maha.Layers.Attention;
using Maha.Layers.Core;

namespace Maha.Layers.Models;

/// <summary>
/// Writes the options of a model as one flat JSON object, the form that saved models have had from the beginning: the attention and the aggregation by their kinds,
/// their options beside those of the model.
/// </summary>
/// <remarks>
/// Reading takes from the object what the records of its kinds have. An option of another kind, which older versions wrote, is passed over; a name that no record has is refused.
/// An option that is newer than the file has the value that gives the file's model (<see cref="AggregationOptions.CreateSaved"/>).
/// A layer that differs (<see cref="MahaTransformerOptions.LayerAttention"/>) is an object of its own; older versions wrote its kind alone, with the model's options.
/// </remarks>
internal sealed class MahaTransformerOptionsConverter : JsonConverter<MahaTransformerOptions>
{
    private static readonly HashSet<string> s_known =
    [
        .. OptionChecks.Of(typeof(MahaTransformerOptions)).Select(option => option.Name),
        .. Enum.GetValues<AttentionKind>().SelectMany(kind => OptionChecks.Of(AttentionOptions.Create(kind).GetType())).Select(option => option.Name),
        .. Enum.GetValues<AggregationKind>().SelectMany(kind => OptionChecks.Of(AggregationOptions.Create(kind).GetType())).Select(option => option.Name),
    ];

    /// <inheritdoc/>
    public override MahaTransformerOptions Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        var members = Members(document.RootElement);
        if (!members.ContainsKey(nameof(MahaTransformerOptions.VocabSize)))
            throw new JsonException($"{nameof(MahaTransformerOptions.VocabSize)} is missing.");
        return (MahaTransformerOptions)Fill(new MahaTransformerOptions { VocabSize = 1 }, members, options);
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, MahaTransformerOptions value, JsonSerializerOptions options) =>
        JsonSerializer.Serialize(writer, value.WithExplicitDefaults().Flatten(), options);

    private static Dictionary<string, JsonElement> Members(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object)
            throw new JsonException($"The options of a model must be a JSON object, but are {json.ValueKind}.");
        var members = new Dictionary<string, JsonElement>();
        foreach (var member in json.EnumerateObject())
        {
            if (!s_known.Contains(member.Name))
                throw new JsonException($"'{member.Name}' is not an option of a model.");
            members[member.Name] = member.Value;
        }
        return members;
    }

    private static object Fill(object record, Dictionary<string, JsonElement> members, JsonSerializerOptions options)
    {
        foreach (var option in OptionChecks.Of(record.GetType()))
        {
            if (members.TryGetValue(option.Name, out var json))
                option.SetValue(record, Value(option, json, members, options));
        }
        return record;
    }

    private static object? Value(PropertyInfo option, JsonElement json, Dictionary<string, JsonElement> members, JsonSerializerOptions options)
    {
        if (option.PropertyType == typeof(AttentionOptions))
            return Attention(json, members, options);
        if (option.PropertyType == typeof(AggregationOptions))
            return Fill(AggregationOptions.CreateSaved(json.Deserialize<AggregationKind>(options)), members, options);
        if (option.PropertyType == typeof(IReadOnlyList<AttentionOptions>))
            return json.ValueKind == JsonValueKind.Null ? null : json.EnumerateArray().Select(layer => Layer(layer, members, options)).ToArray();
        object? value = json.Deserialize(option.PropertyType, options);
        if (value is null && option.PropertyType.IsValueType && Nullable.GetUnderlyingType(option.PropertyType) is null)
            throw new JsonException($"{option.Name} must not be null.");
        return value;
    }

    private static AttentionOptions Layer(JsonElement layer, Dictionary<string, JsonElement> members, JsonSerializerOptions options)
    {
        if (layer.ValueKind == JsonValueKind.String)
            return Attention(layer, members, options);
        var own = Members(layer);
        return own.TryGetValue(nameof(MahaBlockOptions.Attention), out var kind) ? Attention(kind, own, options) : throw new JsonException("A layer must name its Attention.");
    }

    private static AttentionOptions Attention(JsonElement kind, Dictionary<string, JsonElement> members, JsonSerializerOptions options)
    {
        var attention = AttentionOptions.Create(kind.Deserialize<AttentionKind>(options));
        if (attention is MultiscaleOptions scales)
            attention = scales with { Aggregation = AggregationOptions.CreateSaved(scales.Aggregation.Kind) };
        return (AttentionOptions)Fill(attention, members, options);
    }
}
