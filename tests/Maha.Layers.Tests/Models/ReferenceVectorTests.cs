using System.Text.Json.Nodes;
using Maha.Layers.Weights;
using Maha.TestData.Parity;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Models;

/// <summary>Models against the reference vectors of the published code, by the code of ./bench.sh parity.</summary>
public class ReferenceVectorTests
{
    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "Vectors", "maha");

    public static TheoryData<string> Names => [.. Directory.GetFiles(s_folder, "*.json").Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    [Fact]
    public void AllEightFiles_AreThere() => Assert.Equal(8, Names.Count);

    [Theory]
    [MemberData(nameof(Names))]
    public void ValuesAndGradients_Agree_InFloat64(string name)
    {
        var comparison = ReferenceVectors.Compare(Path.Combine(s_folder, name));
        Assert.True(comparison.Values > 100);
        Assert.True(comparison.MaxRelativeError <= Tolerances.VectorsFloat64, $"{comparison.Worst}: {comparison.MaxRelativeError:g3}");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void ValuesAndGradients_Agree_InFloat32(string name)
    {
        var comparison = ReferenceVectors.Compare(Path.Combine(s_folder, name), ScalarType.Float32);
        Assert.True(comparison.MaxRelativeError <= Tolerances.VectorsFloat32, $"{comparison.Worst}: {comparison.MaxRelativeError:g3}");
    }

    [Theory]
    [InlineData("block_convex.json", "scales")]
    [InlineData("block_convex.json", "scale_outputs")]
    [InlineData("block_convex.json", "aggregated")]
    [InlineData("block_convex.json", "output")]
    [InlineData("block_convex.json", "aux_loss")]
    [InlineData("block_convex.json", "input_gradient")]
    [InlineData("block_convex.json", "parameter_gradients")]
    [InlineData("decomposition_pool.json", "scales")]
    [InlineData("gating.json", "output")]
    [InlineData("transformer_convex.json", "output")]
    [InlineData("transformer_convex.json", "logits")]
    [InlineData("transformer_convex.json", "aux_loss")]
    [InlineData("transformer_convex.json", "loss")]
    [InlineData("transformer_convex.json", "parameter_gradients")]
    public void ChangedNumber_IsDetected(string name, string field)
    {
        double error = CompareChanged(name, file => file[field] = Shifted(file[field]!)).MaxRelativeError;
        Assert.True(error > 1e-7, $"{field}: {error:g3}");
    }

    [Fact]
    public void MissingGradient_IsDetected()
        => Assert.True(CompareChanged("block_convex.json", file => file["parameter_gradients"]!.AsObject().Remove("ffn.0.weight")).MaxRelativeError > 1e-7);

    [Theory]
    [InlineData("block_convex.json", "more", "known fields only")]
    [InlineData("gating.json", "more", "known fields only")]
    [InlineData("block_convex.json", "config.more", "known fields only")]
    [InlineData("transformer_nash.json", "config.more", "known fields only")]
    public void UnknownField_IsRefused(string name, string field, string message)
        => AssertRefused<FormatException>(name, message, file => Parent(file, field)[field.Split('.')[^1]] = 1);

    [Theory]
    [InlineData("block_convex.json", "ffn.0.weight")]
    [InlineData("block_convex.json", "aggregation.convex_logits")]
    [InlineData("transformer_convex.json", "pos_emb.weight")]
    [InlineData("gating.json", "gate_proj.bias")]
    public void MissingParameter_IsRefused(string name, string parameter)
        => AssertRefused<WeightFileException>(name, "1 are missing", file => file["parameters"]!.AsObject().Remove(parameter));

    [Fact]
    public void UnknownKind_IsRefused()
        => AssertRefused<FormatException>("gating.json", "known kind", file => file["what"] = "something else");

    [Fact]
    public void GradientWithoutUpstream_IsRefused()
        => AssertRefused<FormatException>("block_nash.json", "input_gradient", file => file.Remove("upstream_gradient"));

    private static void AssertRefused<T>(string name, string message, Action<JsonObject> change) where T : Exception
        => Assert.Contains(message, Assert.ThrowsAny<T>(() => CompareChanged(name, change)).Message);

    private static Comparison CompareChanged(string name, Action<JsonObject> change)
    {
        var file = JsonNode.Parse(File.ReadAllText(Path.Combine(s_folder, name)))!.AsObject();
        change(file);
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, file.ToJsonString());
            return ReferenceVectors.Compare(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static JsonObject Parent(JsonObject file, string field)
        => field.Contains('.') ? file[field.Split('.')[0]]!.AsObject() : file;

    /// <summary>Returns the node with one number increased by 1e-6.</summary>
    private static JsonNode Shifted(JsonNode node)
    {
        var copy = node.DeepClone();
        switch (copy)
        {
            case JsonValue value:
                return value.GetValue<double>() + 1e-6;
            case JsonArray list:
                list[^1] = Shifted(list[^1]!);
                return list;
            default:
                var entries = copy.AsObject();
                string key = entries.ContainsKey("data") ? "data" : entries.First().Key;
                entries[key] = Shifted(entries[key]!);
                return entries;
        }
    }
}
