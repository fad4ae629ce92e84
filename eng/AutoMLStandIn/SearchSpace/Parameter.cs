using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.SearchSpace;

public enum ParameterType
{
    Integer = 0,
    Number = 1,
    Bool = 2,
    String = 3,
    Object = 4,
    Array = 5,
}

[JsonConverter(typeof(ParameterConverter))]
public sealed class Parameter : IDictionary<string, Parameter>, IEquatable<Parameter>, IEqualityComparer<Parameter>
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };

    private Parameter(object value, ParameterType type)
    {
        Value = value;
        ParameterType = type;
    }

    public ParameterType ParameterType { get; }

    internal object Value { get; }

    public int Count => ParameterType == ParameterType.Object ? Nested.Count : 1;

    public bool IsReadOnly => ((IDictionary<string, Parameter>)Nested).IsReadOnly;

    public ICollection<string> Keys => Nested.Keys;

    ICollection<Parameter> IDictionary<string, Parameter>.Values => Nested.Values;

    private Dictionary<string, Parameter> Nested => Value as Dictionary<string, Parameter>
        ?? throw Contracts.Except($"Only a parameter of type Object has keys, but this is {ParameterType}.");

    public Parameter this[string key]
    {
        get => Nested[key];
        set => Nested[key] = value;
    }

    public static Parameter FromDouble(double value) => new(value, ParameterType.Number);

    public static Parameter FromFloat(float value) => new(value, ParameterType.Number);

    public static Parameter FromLong(long value) => new(value, ParameterType.Integer);

    public static Parameter FromInt(int value) => new(value, ParameterType.Integer);

    public static Parameter FromString(string value) => new(value, ParameterType.String);

    public static Parameter FromBool(bool value) => new(value, ParameterType.Bool);

    public static Parameter FromEnum<T>(T value) where T : struct, Enum => FromString(value.ToString());

    public static Parameter FromIEnumerable<T>(IEnumerable<T> values) => new(values, ParameterType.Array);

    public static Parameter FromObject<T>(T value) where T : class => FromValue(value, typeof(T));

    public static Parameter CreateNestedParameter(params KeyValuePair<string, Parameter>[] parameters)
        => new(new Dictionary<string, Parameter>(parameters), ParameterType.Object);

    /// <summary>The value itself if it is a T, else through JSON: public properties, enums by name.</summary>
    public T AsType<T>()
    {
        if (Value is T value)
            return value;
        try
        {
            return JsonSerializer.Deserialize<T>(JsonSerializer.Serialize(Value, s_json), s_json);
        }
        catch (JsonException ex)
        {
            throw Contracts.Except(ex, $"The parameter {this} is not a {typeof(T).Name}.");
        }
    }

    public void Add(string key, Parameter value) => Nested.Add(key, value);

    public void Add(KeyValuePair<string, Parameter> item) => Nested.Add(item.Key, item.Value);

    public void Clear() => Nested.Clear();

    public bool Contains(KeyValuePair<string, Parameter> item) => Nested.Contains(item);

    public bool ContainsKey(string key) => Nested.ContainsKey(key);

    public void CopyTo(KeyValuePair<string, Parameter>[] array, int arrayIndex) => ((IDictionary<string, Parameter>)Nested).CopyTo(array, arrayIndex);

    public bool Remove(string key) => Nested.Remove(key);

    public bool Remove(KeyValuePair<string, Parameter> item) => ((IDictionary<string, Parameter>)Nested).Remove(item);

    public bool TryGetValue(string key, out Parameter value) => Nested.TryGetValue(key, out value);

    IEnumerator<KeyValuePair<string, Parameter>> IEnumerable<KeyValuePair<string, Parameter>>.GetEnumerator() => Nested.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => Nested.GetEnumerator();

    public bool Equals(Parameter other) => other is not null && (ReferenceEquals(this, other) || ToString() == other.ToString());

    public bool Equals(Parameter x, Parameter y) => x is null ? y is null : x.Equals(y);

    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    public int GetHashCode(Parameter obj) => obj.GetHashCode();

    public override string ToString() => JsonSerializer.Serialize(this);

    private static Parameter FromValue(object value, Type type)
    {
        switch (value)
        {
            case int i: return FromInt(i);
            case long l: return FromLong(l);
            case double d: return FromDouble(d);
            case float f: return FromFloat(f);
            case string s: return FromString(s);
            case bool b: return FromBool(b);
            case Enum e: return FromString(e.ToString());
            case IEnumerable items: return new Parameter(items, ParameterType.Array);
        }

        var nested = CreateNestedParameter();
        foreach (var property in type.GetProperties().Where(p => p.CanRead && p.CanWrite && p.GetIndexParameters().Length == 0))
        {
            if (property.GetValue(value) is not { } item)
                continue;
            var parameter = FromValue(item, property.PropertyType);
            if (parameter.Count != 0)
                nested[property.Name] = parameter;
        }

        return nested;
    }

    private sealed class ParameterConverter : JsonConverter<Parameter>
    {
        public override Parameter Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.String:
                    return FromString(reader.GetString());
                case JsonTokenType.True or JsonTokenType.False:
                    return FromBool(reader.GetBoolean());
                case JsonTokenType.Number:
                    return reader.TryGetInt64(out long integer) ? FromLong(integer) : FromDouble(reader.GetDouble());
                case JsonTokenType.StartObject:
                    return new Parameter(JsonSerializer.Deserialize<Dictionary<string, Parameter>>(ref reader, options), ParameterType.Object);
                case JsonTokenType.StartArray:
                    return FromIEnumerable(JsonSerializer.Deserialize<List<Parameter>>(ref reader, options));
                default:
                    throw new JsonException($"A parameter cannot be read from the JSON token {reader.TokenType}.");
            }
        }

        public override void Write(Utf8JsonWriter writer, Parameter value, JsonSerializerOptions options)
            => JsonSerializer.Serialize(writer, value.Value, value.Value?.GetType() ?? typeof(object), options);
    }
}
