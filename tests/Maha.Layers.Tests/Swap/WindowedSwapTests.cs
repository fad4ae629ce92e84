using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Swap;
using Maha.Layers.Text;
using Maha.Layers.Trees;
using static Maha.Layers.Tests.TestTensors;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Swap;

/// <summary>The conversion of classifiers that read windows with an encoder in BERT layout, and of its learned positions.</summary>
public class WindowedSwapTests
{
    private const int Positions = 16;
    private const int Window = 12;
    private const int Long = 50;

    private static readonly WordPieceTokenizer s_tokenizer = SmallWordPiece.Create();
    private static readonly HsaConversionOptions s_trees = new() { Branching = 3 };
    private static readonly HsaConversionOptions s_oneBlock = new() { Branching = 1024 };

    private static readonly MahaTransformerOptions s_encoder = new()
    {
        VocabSize = s_tokenizer.VocabSize,
        DModel = 12,
        NumHeads = 3,
        NumLayers = 3,
        FeedForwardDim = 20,
        MaxSequenceLength = Positions,
        Positions = PositionKind.Learned,
        EmbeddingNorm = true,
        FinalNorm = false,
        Dropout = 0.5,
        Attention = new FullOptions(),
        Pooling = PoolingKind.MeanMax,
    };

    private static readonly int[][] s_documents = [Ids(37, 1), Ids(3, 2), [], Ids(10, 3)];

    [Fact]
    public void WithoutSwappedLayers_TheLogitsAreTheSameBits()
    {
        using var scope = NewDisposeScope();
        var model = Model();
        Assert.Equal(ToArray(Logits(model)), ToArray(Logits(WindowedConversion.Swap(model, [], s_trees))));
        var encoder = model.Reader.Encoder;
        var ids = RandomIds(1, s_encoder.VocabSize, 2, Positions);
        Assert.Equal(ToArray(encoder.Encode(ids, null).Features), ToArray(HsaConversion.Swap(encoder, [], s_trees).Encode(ids, null).Features));
    }

    // A tree whose only family holds all tokens of a window is standard attention.
    [Fact]
    public void BlockThatHoldsTheWindow_IsFullAttention()
    {
        using var scope = NewDisposeScope();
        var model = Model();
        var swapped = WindowedConversion.Swap(model, [0, 1, 2], s_oneBlock);
        Assert.All(swapped.Reader.Encoder.Blocks, block => Assert.IsType<HsaMixer>(block.Mixer));
        AssertClose(Logits(model), Logits(swapped), Tolerances.SameFormula);
        Assert.True(Difference(Logits(model), Logits(WindowedConversion.Swap(model, [0, 1, 2], s_trees))) > 1e-3);
    }

    [Fact]
    public void Padding_ChangesNoDocument()
    {
        using var scope = NewDisposeScope();
        var swapped = WindowedConversion.Swap(Model(), [0, 2], s_trees);
        var together = Logits(swapped);
        for (int i = 0; i < s_documents.Length; i++)
            AssertClose(Logits(swapped, Window, s_documents[i])[0], together[i], 1e-10);
        // What the padding holds is not read either.
        var (ids, mask) = Batch(Window, s_documents);
        var other = where(mask!, full_like(ids, 7), ids);
        AssertClose(together, swapped.call(other, mask).Logits, 1e-12);
    }

    [Fact]
    public void RepeatedPositions_ReadShortWindowsAsBefore_AndLongOnes()
    {
        using var scope = NewDisposeScope();
        var swapped = WindowedConversion.Swap(Model(), [0, 1], s_trees);
        var longer = WindowedConversion.Swap(swapped, [], s_trees with { MaxSequenceLength = Long });
        Assert.Equal(Long, longer.Reader.Options.WindowLength);
        // Windows of the trained length are read with the trained positions.
        var (ids, mask) = Batch(Window, s_documents);
        Assert.Equal(ToArray(swapped.call(ids, mask).Logits), ToArray(longer.call(ids, mask).Logits));
        // A document is one window now; the original refuses it.
        var (whole, _) = Batch(Long, [s_documents[0]]);
        Assert.Contains("must consist of windows", Assert.Throws<ArgumentException>(() => swapped.call(whole, null)).Message, StringComparison.Ordinal);
        AssertClose(longer.call(whole, null).Logits, Logits(longer, Long, [s_documents[0]]), 0);
        Assert.True(Difference(longer.call(whole, null).Logits, Logits(swapped, Window, [s_documents[0]])) > 1e-4);
        // Every token is read: the last one, too.
        var changed = whole.clone();
        changed[0, whole.shape[1] - 2] = (changed[0, whole.shape[1] - 2] + 1) % 5 + 5;
        Assert.True(Difference(longer.call(whole, null).Logits, longer.call(changed, null).Logits) > 1e-6);
    }

    [Fact]
    public void ExtendedTables_FollowTheirRule()
    {
        using var scope = NewDisposeScope();
        var encoder = Model().Reader.Encoder;
        var trained = Table(encoder); // [P, D]
        var repeated = Table(HsaConversion.Swap(encoder, [1], s_trees with { MaxSequenceLength = Long }));
        Assert.Equal([Long, 12], repeated.shape);
        for (int i = 0; i < Long; i++)
            Assert.Equal(ToArray(trained[i % Positions]), ToArray(repeated[i]));

        const int Stretched = (2 * (Positions - 1)) + 1;
        var stretched = Table(HsaConversion.Swap(
            encoder, [], s_trees with { MaxSequenceLength = Stretched, InterpolatePositions = true }));
        for (int i = 0; i < Stretched; i++)
        {
            var expected = i % 2 == 0 ? trained[i / 2] : (trained[i / 2] + trained[(i / 2) + 1]) / 2;
            AssertClose(expected, stretched[i], 1e-12);
        }
        Assert.Equal(
            ToArray(trained),
            ToArray(Table(HsaConversion.Swap(
                encoder, [], s_trees with { MaxSequenceLength = Positions, InterpolatePositions = true }))));

        static Tensor Table(MahaEncoder model) => model.state_dict()["position_embedding.weight"];
    }

    [Fact]
    public void Layers_AreSwappedInTheOrderOfTheirEffectOnPredictions()
    {
        using var scope = NewDisposeScope();
        var model = Model();
        var (ids, mask) = Batch(Window, s_documents);
        var sample = (ids, new MixingContext { KeyPaddingMask = mask });
        var steps = WindowedConversion.SwapInOrder(
            model, [sample], swapped => swapped.Reader.Encoder.Blocks.Count(block => block.Mixer is HsaMixer), s_trees);
        Assert.Equal([0, 1, 2, 3], steps.Select(step => step.Score));
        Assert.Equal([0, 1, 2], steps[^1].Swapped);
        for (int step = 1; step < steps.Count; step++)
        {
            var before = steps[step - 1].Swapped;
            var distances = Enumerable.Range(0, 3).Except(before)
                .ToDictionary(layer => layer, layer => Divergence(model, WindowedConversion.Swap(model, [.. before, layer], s_trees)));
            Assert.Equal(distances.MinBy(pair => pair.Value).Key, steps[step].Layer);
            Assert.Equal(distances[steps[step].Layer], steps[step].PredictionDistance, 1e-12);
            Assert.True(steps[step].AttentionFlops < steps[step - 1].AttentionFlops);
        }
        var byAttention = WindowedConversion.SwapInOrder(model, [sample], _ => 0, s_trees with { Ranking = SwapRanking.Attention }, 1);
        Assert.True(byAttention[1].Distance > 0);

        static double Divergence(WindowedClassifier one, WindowedClassifier other) => SwapDistance.OfClasses(Logits(one), Logits(other)) / s_documents.Length;
    }

    [Fact]
    public void WrongOptions_AreRefused()
    {
        using var scope = NewDisposeScope();
        var model = Model();
        Refused("MaxSequenceLength must lie in [16,", () => WindowedConversion.Swap(model, [0], s_trees with { MaxSequenceLength = 15 }));
        Refused("Hierarchy must be Blocks", () => WindowedConversion.Swap(model, [0], s_trees with { Hierarchy = HierarchyKind.Document }));
        Refused("3 layers", () => WindowedConversion.Swap(model, [3], s_trees));

        static void Refused(string message, Action action) =>
            Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(action).Message, StringComparison.Ordinal);
    }

    private static WindowedClassifier Model()
    {
        var windows = new WindowedEncoderOptions
        {
            WindowLength = Window,
            ChunkLength = 4,
            MaxDocumentTokens = 1000,
            ClsTokenId = s_tokenizer.ClsTokenId,
            SepTokenId = s_tokenizer.SepTokenId,
        };
        return Prepared(new WindowedClassifier(s_encoder, windows, 3), 3, scale: 0.5);
    }

    private static Tensor Logits(WindowedClassifier model) => Logits(model, Window, s_documents);

    private static Tensor Logits(WindowedClassifier model, int window, params int[][] documents)
    {
        var (ids, mask) = Batch(window, documents);
        return model.call(ids, mask).Logits;
    }

    private static (Tensor Ids, Tensor? Mask) Batch(int window, int[][] documents)
    {
        using var raw = TokenizedDataset.FromTokenIds(documents);
        var windowed = new WindowedDocuments(raw, new TokenWindows(s_tokenizer, window), int.MaxValue, null);
        var batch = TokenBatch.Create(windowed, [.. Enumerable.Range(0, documents.Length)]);
        return (batch.TokenIds, batch.KeyPaddingMask);
    }

    private static int[] Ids(int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(5, s_tokenizer.VocabSize))];
    }
}
