using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.TestData;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Blocks;

/// <summary>What may happen between the two passes of a recomputed block. A failure can end the process, so each test runs in a process of its own.</summary>
public class RecomputedBlockTests
{
    private const int V = 11;

    [Fact]
    public void FrozenEmbeddings_LetTheBlocksLearn() => ChildProgram.AssertEnds(Frozen);

    internal static void Frozen()
    {
        using var scope = NewDisposeScope();
        double[][] gradients = [.. new[] { false, true }.Select(recompute =>
        {
            var encoder = Encoder(recompute);
            encoder.get_parameter("token_embedding.weight")!.requires_grad = false;
            BackwardPass.Run(Loss(encoder, null));
            return Gradients(encoder);
        })];
        Assert.Contains(gradients[0], value => value != 0);
        Assert.InRange(TestTensors.Difference(gradients[0], gradients[1]), 0, 1e-12);
    }

    [Fact]
    public void SecondBackwardPass_DrawsTheSameDropout() => ChildProgram.AssertEnds(Twice);

    internal static void Twice()
    {
        using var scope = NewDisposeScope();
        var encoder = Encoder(recompute: true);
        encoder.train();
        var loss = Loss(encoder, null);
        loss.backward(retain_graph: true);
        double[] once = Gradients(encoder);
        encoder.zero_grad();
        rand(5).Dispose(); // another state of the generator
        BackwardPass.Run(loss);
        Assert.InRange(TestTensors.Difference(once, Gradients(encoder)), 0, 1e-12);
    }

    [Fact]
    public void MaskDisposedBeforeBackward_StillCounts() => ChildProgram.AssertEnds(DisposedMask);

    internal static void DisposedMask()
    {
        using var scope = NewDisposeScope();
        double[][] gradients = [.. new[] { false, true }.Select(recompute =>
        {
            var encoder = Encoder(recompute);
            Tensor loss;
            using (var mask = TokenMasks.Invalid([9, 4], 9, CPU))
                loss = Loss(encoder, mask);
            BackwardPass.Run(loss);
            return Gradients(encoder);
        })];
        Assert.InRange(TestTensors.Difference(gradients[0], gradients[1]), 0, 1e-12);
    }

    [Fact]
    public void ModeSwitchedBeforeBackward_IsRefused() => ChildProgram.AssertEnds(SwitchedMode);

    internal static void SwitchedMode()
    {
        using var scope = NewDisposeScope();
        var encoder = Encoder(recompute: true);
        encoder.train();
        var loss = Loss(encoder, null);
        encoder.eval();
        Assert.Contains("same mode", Assert.Throws<InvalidOperationException>(() => BackwardPass.Run(loss)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RefusalInTheSecondComputation_RestoresTheGenerator() => ChildProgram.AssertEnds(RestoredGenerator);

    internal static void RestoredGenerator()
    {
        using var scope = NewDisposeScope();
        var encoder = Encoder(recompute: true);
        encoder.train();
        var loss = Loss(encoder, null);
        encoder.Dispose();
        var before = get_rng_state();
        Assert.ThrowsAny<InvalidOperationException>(() => BackwardPass.Run(loss));
        Assert.Equal(TestTensors.ToArray(before), TestTensors.ToArray(get_rng_state()));
    }

    private static MahaEncoder Encoder(bool recompute) => TestTensors.Prepared(new MahaEncoder(new MahaTransformerOptions
    {
        VocabSize = V,
        DModel = 8,
        NumHeads = 2,
        NumLayers = 2,
        FeedForwardDim = 12,
        MaxSequenceLength = 16,
        Dropout = 0.3,
        Positions = PositionKind.Rotary,
        RecomputeBlocks = recompute,
    }.With(aggregation: AggregationKind.Gated)), 5);

    private static Tensor Loss(MahaEncoder encoder, Tensor? mask) =>
        encoder.call(TestTensors.RandomIds(1, V, 2, 9), new MixingContext { KeyPaddingMask = mask }).Features.square().sum();

    private static double[] Gradients(MahaEncoder encoder) => [.. encoder.named_parameters()
        .SelectMany(entry => entry.parameter.grad is { } gradient ? TestTensors.ToArray(gradient) : new double[entry.parameter.numel()])];
}
