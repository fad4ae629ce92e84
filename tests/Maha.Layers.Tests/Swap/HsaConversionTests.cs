using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Swap;
using Maha.Layers.Trees;
using static Maha.Layers.Tests.TestTensors;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Swap;

public class HsaConversionTests
{
    private const int Length = 40;
    private const int Vocabulary = 50;

    private static readonly HsaConversionOptions s_trees = new() { Branching = 4 };

    private static MahaTransformerOptions Options => new MahaTransformerOptions
    {
        VocabSize = Vocabulary,
        NumLayers = 3,
        DModel = 12,
        NumHeads = 3,
        FeedForwardDim = 20,
        MaxSequenceLength = 64,
        Dropout = 0.5,
        Positions = PositionKind.Rotary,
    }.With(attention: AttentionKind.Full);

    [Fact]
    public void WithoutSwappedLayers_TheModelIsTheSame()
    {
        using var scope = NewDisposeScope();
        var model = Model();
        var sample = Sample(1);
        AssertClose(model.call(sample.TokenIds, sample.Context.KeyPaddingMask).Logits,
            HsaConversion.Swap(model, [], s_trees).call(sample.TokenIds, sample.Context.KeyPaddingMask).Logits, 0);
    }

    [Fact]
    public void OneFamily_IsTheSameModel()
    {
        using var scope = NewDisposeScope();
        var model = Model();
        var sample = Sample(1);
        var swapped = HsaConversion.Swap(model, [0, 1, 2], new HsaConversionOptions { Branching = 1024 });
        AssertClose(model.call(sample.TokenIds, sample.Context.KeyPaddingMask).Logits,
            swapped.call(sample.TokenIds, sample.Context.KeyPaddingMask).Logits, Tolerances.SameFormula);
        Assert.All(HsaConversion.Measure(model.Encoder, [sample], new HsaConversionOptions { Branching = 1024 }), layer => Assert.Equal(0, layer.Mean, 1e-11));
    }

    [Fact]
    public void SwappedLayers_KeepTheirWeights_AndAttendOverTrees()
    {
        using var scope = NewDisposeScope();
        var model = Model();
        var swapped = HsaConversion.Swap(model, [1], s_trees);
        foreach (var (name, weight) in model.state_dict())
            Assert.Equal(ToArray(weight), ToArray(swapped.state_dict()[name]));
        Assert.IsType<FullMixer>(swapped.Encoder.Blocks[0].Mixer);
        Assert.IsType<HsaMixer>(swapped.Encoder.Blocks[1].Mixer);
        var hidden = Random(5, 1, Length, 12);
        Assert.True(Difference(model.Encoder.Blocks[1].call(hidden, MixingContext.Unpadded).Output,
            swapped.Encoder.Blocks[1].call(hidden, MixingContext.Unpadded).Output) > 1e-4);
    }

    [Fact]
    public void Distance_IsThatOfTheLayersOwnInput()
    {
        using var scope = NewDisposeScope();
        var model = Model();
        model.train();
        var sample = Sample(2);
        var measured = HsaConversion.Measure(model.Encoder, [sample, sample], s_trees);
        Assert.True(model.training && model.Encoder.training);
        model.eval();
        Assert.Equal([0, 1, 2], measured.Select(layer => layer.Layer));
        var hidden = model.Encoder.Embed(sample.TokenIds);
        for (int layer = 0; layer < 3; layer++)
        {
            var swapped = (HsaMixer)HsaConversion.Swap(model, [layer], s_trees).Encoder.Blocks[layer].Mixer;
            AssertClose(swapped.DistanceToFlat(hidden, sample.Context).mean([0]), tensor(measured[layer].Heads.ToArray()), 1e-12);
            Assert.True(measured[layer].Mean > 1e-6);
            hidden = model.Encoder.Blocks[layer].call(hidden, sample.Context).Output;
        }
    }

    [Fact]
    public void Layers_AreSwappedInRisingOrder_MeasuredAgain()
    {
        using var scope = NewDisposeScope();
        var model = Model();
        (Tensor TokenIds, MixingContext Context)[] samples = [Sample(1), Sample(2)];
        var scored = new List<string>();
        var steps = HsaConversion.SwapInOrder(model, samples, candidate =>
        {
            scored.Add(string.Join(",", candidate.Encoder.Blocks.Select(block => block.Mixer is HsaMixer ? 1 : 0)));
            return scored.Count;
        }, s_trees with { Ranking = SwapRanking.Attention });
        Assert.Equal(4, steps.Count);
        Assert.Equal([1.0, 2, 3, 4], steps.Select(step => step.Score));
        Assert.Equal("0,0,0", scored[0]);
        Assert.Equal("1,1,1", scored[3]);
        var first = HsaConversion.Measure(model.Encoder, samples, s_trees).MinBy(layer => layer.Mean)!;
        Assert.Equal((first.Layer, first.Mean), (steps[1].Layer, steps[1].Distance));
        var second = HsaConversion.Measure(HsaConversion.Swap(model, [first.Layer], s_trees).Encoder, samples, s_trees).MinBy(layer => layer.Mean)!;
        Assert.Equal((second.Layer, second.Mean), (steps[2].Layer, steps[2].Distance));

        long full = samples.Sum(sample => (long)(Length * Length) + (Length - 7) * (Length - 7)) * 4 * 12;
        Assert.Equal(3 * full, steps[0].AttentionFlops);
        long tree = samples.Sum(_ => BlockFlops.Of(Options.With(attention: AttentionKind.Hsa, branching: 4), Length).Attention
            + BlockFlops.Of(Options.With(attention: AttentionKind.Hsa, branching: 4), Length - 7).Attention);
        Assert.Equal((2 * full) + tree, steps[1].AttentionFlops);
        Assert.Equal(1 - (tree / (double)full), steps[3].SwappedReduction, 1e-12);
        Assert.Equal(2, HsaConversion.SwapInOrder(model, samples, _ => 0, s_trees, numLayers: 1).Count);
    }

    // A row of the given model is compared with rows of swapped ones, none of which may drop anything.
    [Fact]
    public void EveryModel_IsJudgedInEvaluationMode()
    {
        using var scope = NewDisposeScope();
        var model = Model();
        model.train();
        var modes = new List<bool>();
        HsaConversion.SwapInOrder(model, [Sample(1)], candidate =>
        {
            modes.AddRange(candidate.modules().Select(module => module.training));
            return 0;
        }, s_trees, numLayers: 1);
        Assert.DoesNotContain(true, modes);
        Assert.True(model.training);
    }

    [Fact]
    public void LayerThatChangesThePredictionsLeast_IsSwappedNext()
    {
        using var scope = NewDisposeScope();
        var model = Model();
        model.train();
        (Tensor TokenIds, MixingContext Context)[] samples = [Sample(1), Sample(2)];
        var steps = HsaConversion.SwapInOrder(model, samples, _ => 0, s_trees);
        Assert.True(model.training);
        model.eval();
        var swapped = new List<int>();
        foreach (var step in steps.Skip(1))
        {
            var distances = Enumerable.Range(0, 3).Except(swapped).ToDictionary(layer => layer,
                layer => PredictionDistance(HsaConversion.Swap(model, [.. swapped, layer], s_trees)));
            Assert.Equal(distances.MinBy(pair => pair.Value).Key, step.Layer);
            Assert.Equal(distances[step.Layer], step.PredictionDistance, 1e-12);
            Assert.True(step.PredictionDistance > 0);
            swapped.Add(step.Layer);
        }
        Assert.Equal(0, steps[0].PredictionDistance);

        double PredictionDistance(MahaSequenceClassifier other) => samples.SelectMany(sample =>
        {
            double[] p = Probabilities(model, sample), q = Probabilities(other, sample);
            return p.Zip(q, (a, b) => a * Math.Log(a / b));
        }).Sum() / samples.Sum(sample => sample.TokenIds.shape[0]);

        double[] Probabilities(MahaSequenceClassifier classifier, (Tensor TokenIds, MixingContext Context) sample)
            => ToArray(classifier.call(sample.TokenIds, sample.Context.KeyPaddingMask).Logits.softmax(1));
    }

    [Fact]
    public void DocumentTrees_ComeFromTheBatchOrTheIds()
    {
        using var scope = NewDisposeScope();
        var model = Model();
        byte[] parts = new byte[Vocabulary];
        Array.Fill(parts, (byte)2, 0, 10);
        (parts[12], parts[13], parts[14]) = (32 | 8, 32 | 8, 32 | 8); // unspaced marks, and blank lines
        var sample = Sample(4);
        var options = new HsaConversionOptions { Hierarchy = HierarchyKind.Document, TokenParts = parts };
        var swapped = HsaConversion.Swap(model, [0, 2], options);
        var own = sample.Context.WithTrees(sample.TokenIds, parts);
        Assert.True(own.Hierarchies![0]!.Count(1) > 1);
        AssertClose(swapped.Encoder.call(sample.TokenIds, own).Features, swapped.Encoder.call(sample.TokenIds, sample.Context).Features, 0);
        Assert.Equal(
            HsaConversion.Measure(model.Encoder, [(sample.TokenIds, own)], new HsaConversionOptions { Hierarchy = HierarchyKind.Document })
                .Select(layer => layer.Mean),
            HsaConversion.Measure(model.Encoder, [sample], options).Select(layer => layer.Mean));
    }

    [Fact]
    public void WrongLayers_AreRefused()
    {
        using var scope = NewDisposeScope();
        var model = Model();
        Refused("3 layers", () => HsaConversion.Swap(model, [3], s_trees));
        Refused("layer 1 has Hsa", () => HsaConversion.Swap(HsaConversion.Swap(model, [1], s_trees), [1], s_trees));
        Refused("must be those", () => HsaConversion.Swap(HsaConversion.Swap(model, [1], s_trees), [2], s_trees with { Branching = 5 }));
        Refused("at least one batch", () => HsaConversion.Measure(model.Encoder, [], s_trees));
        Refused("Context", () => HsaConversion.Measure(model.Encoder, [Sample(1) with { Context = null! }], s_trees));
        Refused("must have the shape [batch, length]", () => HsaConversion.SwapInOrder(
            model, [(RandomIds(1, Vocabulary, 3), MixingContext.Unpadded)], _ => throw new InvalidOperationException("not reached"), s_trees));
        Refused("numLayers must lie in", () => HsaConversion.SwapInOrder(model, [Sample(1)], _ => 1, s_trees, -1));
        Refused("names 2 for 3", () => (Options with { LayerAttention = [new FullOptions(), new HsaOptions()] }).Validate());

        static void Refused(string message, Action action)
            => Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(action).Message, StringComparison.Ordinal);
    }

    private static MahaSequenceClassifier Model() => Prepared(new MahaSequenceClassifier(Options, 3), 3, scale: 0.5);

    private static (Tensor TokenIds, MixingContext Context) Sample(int seed)
    {
        var padding = stack([arange(Length).ge(Length), arange(Length).ge(Length - 7)], 0);
        return (RandomIds(seed, Vocabulary, 2, Length), new MixingContext { KeyPaddingMask = padding });
    }
}
