using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Core;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Blocks;

/// <summary>Fine-tuning of some parameters, for instance of the biases alone: each has its gradient, whichever others are frozen.</summary>
public sealed class ParametersAloneTests
{
    // Long enough for the kernels of products, and with padding.
    private const int Length = 137, Valid = 20, Width = 16;

    public static TheoryData<AttentionKind, bool, ScalarType> Cases
    {
        get
        {
            var cases = new TheoryData<AttentionKind, bool, ScalarType>();
            foreach (var kind in new[] { AttentionKind.Full, AttentionKind.Hsa, AttentionKind.HsaCausal, AttentionKind.Window, AttentionKind.Maha })
            {
                foreach (bool isRecomputed in new[] { false, true })
                {
                    cases.Add(kind, isRecomputed, ScalarType.Float32);
                    cases.Add(kind, isRecomputed, ScalarType.Float64);
                }
            }
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void EachParameter_HasTheGradientThatItHasWithAllOthers(AttentionKind kind, bool isRecomputed, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var block = TestTensors.Prepared(
            new MahaBlock(new MahaBlockOptions
            {
                DModel = Width,
                NumHeads = 2,
                FeedForwardDim = 32,
                MaxSequenceLength = Length,
                Dropout = 0,
                RecomputeBlocks = isRecomputed,
            }.With(attention: kind, window: 5, branching: 4)), seed: 1);
        block.to(type);
        var hidden = TestTensors.Random(2, 2, Length, Width).to(type);
        var upstream = TestTensors.Random(3, 2, Length, Width).to(type);
        var context = new MixingContext { KeyPaddingMask = arange(Length).ge(tensor(new long[] { Length, Valid }).unsqueeze(1)) };
        Loss().backward();
        var expected = block.named_parameters().Where(named => named.parameter.grad is not null)
            .ToDictionary(named => named.name, named => named.parameter.grad!.clone());
        Assert.NotEmpty(expected);
        foreach (var (name, parameter) in block.named_parameters().Where(named => expected.ContainsKey(named.name)))
        {
            foreach (var other in block.parameters())
                other.requires_grad = ReferenceEquals(other, parameter);
            block.zero_grad();
            var loss = Loss();
            Assert.True(loss.requires_grad, name);
            loss.backward();
            Assert.True(parameter.grad is not null, name);
            TestTensors.AssertClose(expected[name], parameter.grad!, type == ScalarType.Float64 ? 1e-12 : 1e-4);
        }

        Tensor Loss() => (block.call(hidden, context).Output * upstream).sum();
    }

    // Ignored tokens may hold anything: 0 * NaN is NaN, so that a weight of 0 is not enough.
    [Theory]
    [InlineData(AttentionKind.Full, false)]
    [InlineData(AttentionKind.Full, true)]
    [InlineData(AttentionKind.Hsa, false)]
    [InlineData(AttentionKind.HsaCausal, true)]
    [InlineData(AttentionKind.Window, false)]
    [InlineData(AttentionKind.Window, true)]
    [InlineData(AttentionKind.Maha, false)]
    [InlineData(AttentionKind.Maha, true)]
    public void WhatPaddingHolds_IsIgnored(AttentionKind kind, bool isCausal)
    {
        foreach (var position in Enum.GetValues<PositionKind>())
        {
            using var scope = NewDisposeScope();
            using var block = TestTensors.Prepared(
                new MahaBlock(new MahaBlockOptions
                {
                    DModel = Width,
                    NumHeads = 2,
                    MaxSequenceLength = Length,
                    Dropout = 0,
                    IsCausal = isCausal,
                    Positions = position,
                }.With(attention: kind, window: 5, branching: 4)), seed: 1);
            block.to(ScalarType.Float32);
            var context = new MixingContext { KeyPaddingMask = arange(Length).ge(tensor(new long[] { Length, Valid }).unsqueeze(1)) };
            var hidden = TestTensors.Random(2, 2, Length, Width).to(ScalarType.Float32);
            var expected = Output(hidden);
            foreach (double content in new[] { double.NaN, double.PositiveInfinity, 1e30 })
            {
                var changed = hidden.clone();
                changed[1].narrow(0, Valid, Length - Valid).fill_(content);
                TestTensors.AssertClose(expected, Output(changed), 1e-6);
            }

            Tensor Output(Tensor tokens)
            {
                var mixed = block.Mixer.call(tokens, context).Output;
                return cat([mixed[0], mixed[1].narrow(0, 0, Valid)], 0);
            }
        }
    }
}
