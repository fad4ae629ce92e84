using System.Text.Json;
using System.Text.Json.Serialization;
using Maha.Layers.Attention;
using Maha.Layers.Models;
using Maha.Layers.Trees;

namespace Maha.Layers.Tests.Models;

/// <summary>The options of a model as the flat JSON of saved models.</summary>
public sealed class MahaTransformerOptionsTests
{
    private static readonly JsonSerializerOptions s_json = new() { Converters = { new JsonStringEnumConverter() } };

    public static TheoryData<string> Attentions => [.. Enum.GetNames<AttentionKind>()];

    [Theory]
    [MemberData(nameof(Attentions))]
    public void EveryAttentionAndAggregation_RoundTrips(string kind)
    {
        foreach (var aggregation in Enum.GetValues<AggregationKind>())
        {
            var options = new MahaTransformerOptions { VocabSize = 9, DModel = 12, NumHeads = 3, MaxSequenceLength = 900 }.With(
                attention: Enum.Parse<AttentionKind>(kind), aggregation: aggregation, window: 7, compressionRatio: 3, branching: 5,
                hierarchy: HierarchyKind.Document, globalTokens: 2,
                granularity: WeightGranularity.InputFree, redundancyPrice: 0.25, costPrice: 0.125, temperature: 2, tolerance: 1e-6, maxIterations: 77);
            var read = JsonSerializer.Deserialize<MahaTransformerOptions>(JsonSerializer.Serialize(options, s_json), s_json)!;
            Assert.Equal(options.WithExplicitDefaults(), read with { LayerAttention = null });
        }
    }

    [Fact]
    public void LayersWithOptionsOfTheirOwn_RoundTrip()
    {
        AttentionOptions[] layers = [new FullOptions(), new HsaOptions { Branching = 4 }, new HsaOptions { Branching = 8 },
            new MahaOptions { NumScales = 2, Aggregation = new NashOptions { Temperature = 3 } }];
        var options = new MahaTransformerOptions { VocabSize = 9, NumLayers = 4, LayerAttention = layers };
        var read = JsonSerializer.Deserialize<MahaTransformerOptions>(JsonSerializer.Serialize(options, s_json), s_json)!;
        Assert.Equal(layers, read.LayerAttention);
    }

    [Fact]
    public void LocalResidual_RoundTrips_AndOlderFilesHaveNone()
    {
        var options = new MahaTransformerOptions { VocabSize = 9, Attention = new MahaOptions { LocalResidual = true } };
        Assert.True(((MahaOptions)JsonSerializer.Deserialize<MahaTransformerOptions>(JsonSerializer.Serialize(options, s_json), s_json)!.Attention).LocalResidual);
        Assert.False(((MahaOptions)JsonSerializer.Deserialize<MahaTransformerOptions>("""{ "VocabSize": 9, "Attention": "Maha" }""", s_json)!.Attention).LocalResidual);
    }

    [Fact]
    public void LayersOfAnOlderFile_AreKindsWithTheModelsOptions()
    {
        const string json = """{ "VocabSize": 9, "NumLayers": 2, "Attention": "Full", "Branching": 4, "LayerAttention": ["Full", "Hsa"] }""";
        var read = JsonSerializer.Deserialize<MahaTransformerOptions>(json, s_json)!;
        Assert.Equal([new FullOptions(), new HsaOptions { Branching = 4 }], read.LayerAttention);
    }

    [Theory]
    [InlineData("""{ "VocabSize": 9, "Attention": "Maha", "Aggregation": "Convex", "RedundancyPrice": 0.25 }""", 0.25)]
    [InlineData("""{ "VocabSize": 9, "Attention": "Maha" }""", 0.5)]
    public void ConvexAggregationOfAnOlderFile_HasLinearUtilitiesAndNoFloor(string json, double redundancyPrice)
    {
        var read = (MahaOptions)JsonSerializer.Deserialize<MahaTransformerOptions>(json, s_json)!.Attention;
        Assert.Equal(new ConvexOptions { UtilityForm = UtilityForm.Linear, WeightFloor = 0, RedundancyPrice = redundancyPrice }, read.Aggregation);
    }

    [Fact]
    public void OptionsOfOtherKinds_WhichOlderFilesHave_ArePassedOver()
    {
        const string json = """{ "VocabSize": 9, "Attention": "Hsa", "Branching": 4, "Window": 3, "Aggregation": "Nash", "Tolerance": 0.01 }""";
        var read = JsonSerializer.Deserialize<MahaTransformerOptions>(json, s_json)!;
        Assert.Equal(new HsaOptions { Branching = 4 }, read.Attention);
    }

    [Theory]
    [InlineData("""{ "NumLayers": 2 }""", "VocabSize is missing")]
    [InlineData("""{ "VocabSize": 9, "Colour": 1 }""", "'Colour' is not an option")]
    [InlineData("""[1]""", "must be a JSON object")]
    [InlineData("""{ "VocabSize": 9, "LayerAttention": [{ "Branching": 4 }] }""", "must name its Attention")]
    public void InvalidFiles_AreRefused(string json, string message) =>
        Assert.Contains(message,
            Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<MahaTransformerOptions>(json, s_json)).Message, StringComparison.Ordinal);

    [Fact]
    public void AnotherLength_KeepsTheScales()
    {
        var options = new MahaTransformerOptions { VocabSize = 9, MaxSequenceLength = 4096, Attention = new MahaOptions { Window = 32 } };
        int scales = ((MahaOptions)options.Attention).CountScales(4096);
        Assert.Equal(scales, ((MahaOptions)options.WithMaxSequenceLength(64).Attention).CountScales(64));
        Assert.NotEqual(scales, ((MahaOptions)options.Attention).CountScales(64));
    }
}
