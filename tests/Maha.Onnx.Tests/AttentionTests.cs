using Google.Protobuf;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Trees;
using Maha.MLNet.Classification;
using Maha.Onnx.Export;
using static TorchSharp.torch;

namespace Maha.Onnx.Tests;

// Every kind of attention with random weights, ONNX Runtime against the layers.
public sealed class AttentionTests
{
    private const double Tolerance = 1e-5;

    // Around the sizes of blocks and windows: none, one, odd, exact and one more, several levels.
    private static readonly int[] s_lengths = [0, 1, 3, 4, 5, 16, 17, 31, 64, 65, 200];

    public static TheoryData<string> Kinds => [.. s_kinds.Keys];

    private static readonly Dictionary<string, AttentionOptions> s_kinds = new()
    {
        ["full"] = new FullOptions(),
        ["hsa 4"] = new HsaOptions { Branching = 4 },
        ["hsa 16"] = new HsaOptions { Branching = 16 },
        ["hsa causal"] = new HsaCausalOptions(new HsaOptions { Branching = 4 }),
        ["window, one global token"] = new WindowOptions { Window = 8 },
        ["window, no global token"] = new WindowOptions { Window = 8, GlobalTokens = 0 },
        ["window, five global tokens"] = new WindowOptions { Window = 4, GlobalTokens = 5 },
        ["maha convex"] = Maha(new ConvexOptions()),
        ["maha convex, no floor"] = Maha(new ConvexOptions { WeightFloor = 0, RedundancyPrice = 2 }),
        ["maha convex, no redundancy"] = Maha(new ConvexOptions { WeightFloor = 0, RedundancyPrice = 0, Temperature = 0.3 }),
        ["maha convex, priced"] = Maha(new ConvexOptions { CostPrice = 0.3 }),
        ["maha convex, per document"] = Maha(new ConvexOptions { Granularity = WeightGranularity.Document }),
        ["maha convex, input free"] = Maha(new ConvexOptions { Granularity = WeightGranularity.InputFree }),
        ["maha convex, linear"] = Maha(new ConvexOptions { UtilityForm = UtilityForm.Linear }),
        ["maha convex, local residual"] = Maha(new ConvexOptions()) with { LocalResidual = true },
        ["maha nash"] = Maha(new NashOptions()),
        ["maha nash, priced"] = Maha(new NashOptions { CostPrice = 0.5, Temperature = 0.5 }),
        ["maha softmax"] = Maha(AggregationOptions.Create(AggregationKind.Softmax)),
        ["maha mean"] = Maha(AggregationOptions.Create(AggregationKind.Mean)),
        ["maha gated"] = Maha(AggregationOptions.Create(AggregationKind.Gated)),
        ["maha pooled, ratio 3"] = Maha(new ConvexOptions()) with { CompressionRatio = 3, Decomposition = DecompositionKind.AdaptiveMaxPool },
    };

    private static MahaOptions Maha(AggregationOptions aggregation) => new() { Window = 8, NumScales = 4, Aggregation = aggregation };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Graph_EqualsTheLayers_ForAllLengthsTogetherAndAlone(string kind)
    {
        using var classifier = RandomModels.Classifier(Options(s_kinds[kind], PositionKind.Rotary));
        AssertEqual(classifier, Documents(classifier.Manifest.Model.VocabSize), alone: [0, 1, 4, 7, 10]);
    }

    [Theory]
    [InlineData(PositionKind.Learned, PoolingKind.Max)]
    [InlineData(PositionKind.None, PoolingKind.MeanMax)]
    [InlineData(PositionKind.Rotary, PoolingKind.Attentive)]
    public void Graph_EqualsTheLayers_ForEveryKindOfPositionAndPooling(PositionKind positions, PoolingKind pooling)
    {
        var options = Options(new FullOptions(), positions) with { Pooling = pooling, EmbeddingNorm = true, FinalNorm = false };
        using var classifier = RandomModels.Classifier(options);
        AssertEqual(classifier, Documents(classifier.Manifest.Model.VocabSize), alone: [0, 3]);
    }

    [Fact]
    public void Graph_OfLayersWithDifferentAttention_EqualsTheLayers()
    {
        AttentionOptions[] layers = [new HsaOptions { Branching = 4 }, new WindowOptions { Window = 8 }];
        var options = Options(new FullOptions(), PositionKind.Rotary) with { LayerAttention = layers };
        using var classifier = RandomModels.Classifier(options);
        AssertEqual(classifier, Documents(classifier.Manifest.Model.VocabSize), alone: [2]);
    }

    // Head width 3: the last channel is not rotated.
    [Fact]
    public void Graph_WithOddHeads_EqualsTheLayers()
    {
        using var classifier = RandomModels.Classifier(Options(new FullOptions(), PositionKind.Rotary) with { DModel = 12, NumHeads = 4 });
        AssertEqual(classifier, Documents(classifier.Manifest.Model.VocabSize), alone: [5]);
    }

    public static TheoryData<string> Refused => [.. s_refused.Keys];

    private static readonly Dictionary<string, AttentionOptions> s_refused = new()
    {
        ["Hierarchy.Document"] = new HsaOptions { Hierarchy = HierarchyKind.Document },
        ["Aggregation.ReferenceNash"] = Maha(AggregationOptions.Create(AggregationKind.ReferenceNash)),
        ["9 scales"] = Maha(new ConvexOptions()) with { NumScales = 9 },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Attention_ThatOnnxCannotExpress_IsRefused_AndTheMessageNamesWhatCan(string kind)
    {
        using var classifier = RandomModels.Classifier(Options(s_refused[kind], PositionKind.Rotary));
        var refusal = Assert.Throws<NotSupportedException>(() => ModelGraphs.Build(classifier, false, []));
        Assert.Contains(kind, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Hsa or HsaCausal over blocks, Full, Window, or Maha", refusal.Message, StringComparison.Ordinal);
    }

    internal static MahaTransformerOptions Options(AttentionOptions attention, PositionKind positions) => new()
    {
        VocabSize = 300,
        DModel = 16,
        NumHeads = 2,
        NumLayers = 2,
        FeedForwardDim = 24,
        MaxSequenceLength = 256,
        Positions = positions,
        Attention = attention,
    };

    /// <summary>Compares the probabilities of a batch of all documents, with more padding than they need, and of some alone.</summary>
    internal static void AssertEqual(TextClassifier classifier, OnnxTextInput[] documents, int[] alone)
    {
        var graph = ModelGraphs.Build(classifier, false, []);
        Assert.Distinct(graph.Graph.Initializer.Select(weight => weight.Name));
        using var runner = new OnnxRunner(graph.ToByteArray(), 1);
        float[][] expected = OnnxExporter.Probabilities(Logits(classifier, documents), classifier.Manifest.Temperature);
        // Texts differ: else equality would say little.
        Assert.True(expected.Select(row => row[0]).Max() - expected.Select(row => row[0]).Min() > 0.01);
        float[][] together = runner.Run(documents, GraphNames.Probabilities, extraPadding: 7);
        for (int i = 0; i < documents.Length; i++)
            Assert.InRange(OnnxExporter.Difference(expected[i], together[i]), 0, Tolerance);
        foreach (int i in alone)
            Assert.InRange(OnnxExporter.Difference(expected[i], runner.Run([documents[i]], GraphNames.Probabilities)[0]), 0, Tolerance);
    }

    private static OnnxTextInput[] Documents(int vocabSize)
    {
        var random = new Random(7);
        return [.. s_lengths.Select(length => new OnnxTextInput { InputIds = [.. Enumerable.Range(0, length).Select(_ => random.Next(vocabSize))] })];
    }

    // One document at a time, so that the layers pad nothing.
    private static float[][] Logits(TextClassifier classifier, OnnxTextInput[] documents) => classifier.UseNetwork(network =>
    {
        using var noGradient = no_grad();
        return documents.Select(document =>
        {
            using var scope = NewDisposeScope();
            long[] ids = [.. document.InputIds.Select(id => (long)id)];
            bool isEmpty = ids.Length == 0;
            var tokenIds = isEmpty ? zeros([1, 1], ScalarType.Int64) : tensor(ids, [1, ids.Length]);
            var padding = isEmpty ? ones([1, 1], ScalarType.Bool) : null;
            return network.call(tokenIds, padding).Logits.data<float>().ToArray();
        }).ToArray();
    });
}
