using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Text;
using static TorchSharp.torch;

namespace Maha.Layers.Tests;

/// <summary>An instance of each public module, in each form that has different weights, for tests of properties that all of them have.</summary>
internal static class PublicModules
{
    public const int V = 11;
    public const int D = 12;
    public const int N = 6;
    public const int B = 2;
    public const int S = 2;

    public static MahaTransformerOptions Options { get; } = new MahaTransformerOptions
    {
        VocabSize = V,
        MaxSequenceLength = 9,
        DModel = D,
        NumHeads = 3,
        NumLayers = 2,
        FeedForwardDim = 20,
        Dropout = 0,
    }.With(window: 4, branching: 2, numScales: S, attention: AttentionKind.Maha);

    public static MahaTransformerOptions Causal { get; } = Options with { IsCausal = true, Positions = PositionKind.Rotary, EmbeddingNorm = true };

    public static IReadOnlyDictionary<string, Func<nn.Module>> All { get; } = new Dictionary<string, Func<nn.Module>>
    {
        ["MahaEncoder"] = () => new MahaEncoder(Options),
        ["MahaEncoder, reference"] = () => new MahaEncoder(Options.With(attention: AttentionKind.MahaReference, aggregation: AggregationKind.Softmax)),
        ["MahaTokenModel"] = () => new MahaTokenModel(Options),
        ["MahaSequenceClassifier"] = () => new MahaSequenceClassifier(Options with { Pooling = PoolingKind.Attentive }, 3),
        ["MahaDocumentEncoder"] = () => new MahaDocumentEncoder(Options, new DocumentVectorParts { SpectralDim = 4, NumPairBuckets = 16, BeginningTokens = 3 }),
        ["MahaLanguageModel, tied"] = () => new MahaLanguageModel(Causal),
        ["MahaLanguageModel"] = () => new MahaLanguageModel((Causal with { IsCausal = false }).With(attention: AttentionKind.HsaCausal), tieOutput: false),
        ["SpectralEmbedding"] = () => new SpectralEmbedding(V, 4, 16),
        ["DocumentPooling, mean"] = () => new DocumentPooling(D, PoolingKind.Mean),
        ["DocumentPooling, max"] = () => new DocumentPooling(D, PoolingKind.Max),
        ["DocumentPooling, both"] = () => new DocumentPooling(D, PoolingKind.MeanMax),
        ["DocumentPooling, attentive"] = () => new DocumentPooling(D, PoolingKind.Attentive),
        ["MahaBlock"] = () => new MahaBlock(Options),
        ["MahaMixer"] = () => new MahaMixer(Options),
        ["FullMixer"] = () => new FullMixer(Options.With(attention: AttentionKind.Full)),
        ["HsaMixer"] = () => new HsaMixer(Options.With(attention: AttentionKind.Hsa)),
        ["WindowMixer"] = () => new WindowMixer(Options.With(attention: AttentionKind.Window)),
        ["ReferenceMahaMixer"] = () => new ReferenceMahaMixer(Options.With(attention: AttentionKind.MahaReference, aggregation: AggregationKind.Gated)),
        ["FeedForward"] = () => new FeedForward(D, 20, 0),
        ["HierarchicalDecomposition"] = () => new HierarchicalDecomposition(D, S, 2),
        ["HierarchicalDecomposition, maximum"] = () => new HierarchicalDecomposition(D, S, 2, DecompositionKind.AdaptiveMaxPool),
        ["MultiscaleAttention"] = () => new MultiscaleAttention(D, 3, S),
        ["CrossScaleGate"] = () => new CrossScaleGate(D),
        ["SoftmaxAggregation"] = () => new SoftmaxAggregation(S),
        ["ConvexAggregation"] = () => new ConvexAggregation(D, S, new ConvexOptions()),
        ["NashAggregation"] = () => new NashAggregation(S, new NashOptions()),
        ["ReferenceNashAggregation"] = () => new ReferenceNashAggregation(S),
        ["GatedAggregation"] = () => new GatedAggregation(D, S),
        ["MeanAggregation"] = () => new MeanAggregation(S),
        ["NestedSignalEmbedding"] = ()
            => new NestedSignalEmbedding(D, new LeafType { Name = "text", VocabSize = V, MaxPositions = N }, new LeafType { Name = "column", Channels = 2 }),
    };

    public static TheoryData<string> Names => [.. All.Keys];
}
