using System.Text.Json;
using static TorchSharp.torch;

namespace Maha.TestData.Parity;

/// <summary>
/// A reference vector file, or an object inside one: a JSON object whose fields are taken one by one, so that an unread field is noticed.
/// A tensor is an object of "shape" and "data".
/// </summary>
internal sealed class VectorFile
{
    private readonly string _where;
    private readonly Dictionary<string, JsonElement> _left = [];

    private VectorFile(JsonElement element, string where)
    {
        _where = where;
        if (element.ValueKind != JsonValueKind.Object)
            throw new FormatException($"{where} must be an object, but is {element.ValueKind}.");
        foreach (var field in element.EnumerateObject())
        {
            if (!_left.TryAdd(field.Name, field.Value.Clone()))
                throw new FormatException($"{where} must have a field once, but has '{field.Name}' twice.");
        }
    }

    /// <summary>Reads a file.</summary>
    public static VectorFile Read(string path)
    {
        using var stream = File.OpenRead(path);
        using var document = JsonDocument.Parse(stream);
        return new VectorFile(document.RootElement, "the file");
    }

    /// <summary>The fields that have not been taken.</summary>
    public IReadOnlyCollection<string> Left => _left.Keys;

    /// <summary>Whether a field is there and not taken.</summary>
    public bool Has(string field) => _left.ContainsKey(field);

    /// <summary>Takes a text.</summary>
    public string Text(string field)
        => Take(field, JsonValueKind.String).GetString()!;

    /// <summary>Takes a text, or the default where it is not there.</summary>
    public string Text(string field, string otherwise) => Has(field) ? Text(field) : otherwise;

    /// <summary>Takes a whole number.</summary>
    public int Integer(string field)
        => Take(field, JsonValueKind.Number).TryGetInt32(out int value) ? value : throw new FormatException($"{_where}: '{field}' must be a whole number.");

    /// <summary>Takes a whole number, or the default where it is not there.</summary>
    public int Integer(string field, int otherwise) => Has(field) ? Integer(field) : otherwise;

    /// <summary>Takes a number.</summary>
    public double Number(string field) => Take(field, JsonValueKind.Number).GetDouble();

    /// <summary>Takes a number, or the default where it is not there.</summary>
    public double Number(string field, double otherwise) => Has(field) ? Number(field) : otherwise;

    /// <summary>Takes true or false.</summary>
    public bool Boolean(string field)
    {
        var value = Any(field);
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean()
            : throw new FormatException($"{_where}: '{field}' must be true or false, but is {value.ValueKind}.");
    }

    /// <summary>Takes a list.</summary>
    public JsonElement.ArrayEnumerator Items(string field) => Take(field, JsonValueKind.Array).EnumerateArray();

    /// <summary>Takes a value of any kind.</summary>
    public JsonElement Any(string field) =>
        _left.Remove(field, out var value) ? value : throw new FormatException($"{_where} must have the field '{field}', but has not.");

    /// <summary>Takes an object.</summary>
    public VectorFile Object(string field) => new(Take(field, JsonValueKind.Object), $"'{field}'");

    /// <summary>Takes a tensor of Float64, or of Int64.</summary>
    public Tensor Tensor(string field, ScalarType type = ScalarType.Float64) => ReadTensor(Take(field, JsonValueKind.Object), field, type);

    /// <summary>Takes a list of tensors.</summary>
    public Tensor[] List(string field)
        => [.. Items(field).Select((item, i) => ReadTensor(item, $"{field}[{i}]", ScalarType.Float64))];

    /// <summary>Takes an object whose fields are all tensors.</summary>
    public Dictionary<string, Tensor> Tensors(string field)
    {
        var entries = Object(field);
        return entries._left.ToDictionary(entry => entry.Key, entry => ReadTensor(entry.Value, entry.Key, ScalarType.Float64));
    }

    /// <summary>Refuses fields that have not been taken.</summary>
    public void RefuseLeft()
    {
        if (Left.Count > 0)
            throw new FormatException($"{_where} must have known fields only, but has also {string.Join(", ", Left)}.");
    }

    private JsonElement Take(string field, JsonValueKind kind)
    {
        var value = Any(field);
        return value.ValueKind == kind ? value : throw new FormatException($"{_where}: '{field}' must be {kind}, but is {value.ValueKind}.");
    }

    private static Tensor ReadTensor(JsonElement element, string name, ScalarType type)
    {
        var fields = new VectorFile(element, $"'{name}'");
        long[] shape = [.. fields.Take("shape", JsonValueKind.Array).EnumerateArray().Select(item => item.GetInt64())];
        var data = fields.Take("data", JsonValueKind.Array);
        fields.RefuseLeft();
        var count = shape.Aggregate((Int128)1, (product, dimension) => product * dimension);
        if (shape.Any(dimension => dimension < 0) || count != data.GetArrayLength())
        {
            throw new FormatException(
                $"'{name}' must have as many numbers as its shape says, but has {data.GetArrayLength()} for [{string.Join(", ", shape)}].");
        }
        return type == ScalarType.Int64
            ? tensor(data.EnumerateArray().Select(item => item.GetInt64()).ToArray()).reshape(shape)
            : tensor(data.EnumerateArray().Select(item => item.GetDouble()).ToArray()).reshape(shape);
    }
}
