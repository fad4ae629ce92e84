using Maha.Layers.Attention;
using Maha.Layers.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

public class ScaleAggregationTests
{
    private const int BatchSize = 2;
    private const int Length = 7;
    private const int DModel = 5;
    private const int NumScales = 3;

    public static TheoryData<AggregationKind> Kinds => [.. Enum.GetValues<AggregationKind>()];

    public static TheoryData<AggregationKind> KindsWithMasks => [AggregationKind.Softmax, AggregationKind.Mean, AggregationKind.Gated];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Weights_LieOnTheSimplex(AggregationKind kind)
    {
        using var scope = NewDisposeScope();
        using var aggregation = Create(kind);
        var weights = aggregation.call(Scales(1)).ScaleWeights;
        Assert.Equal(NumScales, weights.shape[^1]);
        Assert.Equal(BatchSize, weights.shape[0]);
        Assert.All(TestTensors.ToArray(weights), weight => Assert.InRange(weight, 0, 1));
        TestTensors.AssertClose(ones_like(weights.select(-1, 0)), weights.sum(-1), Tolerances.SameFormula);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void EqualScales_AreReturnedUnchanged(AggregationKind kind)
    {
        using var scope = NewDisposeScope();
        using var aggregation = Create(kind);
        var scale = TestTensors.Random(2, BatchSize, Length, DModel);
        TestTensors.AssertClose(scale, aggregation.call(new ScaleOutputs([scale, scale, scale])).Output, Tolerances.SameFormula);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void OneScale_IsReturnedUnchanged(AggregationKind kind)
    {
        using var scope = NewDisposeScope();
        using var aggregation = Create(kind, numScales: 1);
        var scale = TestTensors.Random(3, BatchSize, Length, DModel);
        var result = aggregation.call(new ScaleOutputs([scale]));
        TestTensors.AssertClose(scale, result.Output, Tolerances.SameFormula);
        TestTensors.AssertClose(ones_like(result.ScaleWeights), result.ScaleWeights, Tolerances.SameFormula);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Gradients_EqualCentralDifferences(AggregationKind kind)
    {
        using var scope = NewDisposeScope();
        using var aggregation = Create(kind);
        var scales = Scales(4);
        var upstream = TestTensors.Random(5, BatchSize, Length, DModel);
        TestTensors.AssertGradients(
            () =>
            {
                var result = aggregation.call(scales);
                return (result.Output * upstream).sum() + result.ScaleWeights.square().sum() + result.AuxiliaryLoss;
            },
            [.. scales.Upsampled.Select((scale, s) => ($"scale {s}", scale)),
                .. aggregation.named_parameters().Select(named => (named.name, (Tensor)named.parameter))]);
    }

    [Theory]
    [MemberData(nameof(KindsWithMasks))]
    public void UnavailableScale_HasNoWeightAndNoEffect(AggregationKind kind)
    {
        using var scope = NewDisposeScope();
        using var aggregation = Create(kind);
        var scales = Scales(6);
        // Document 0 lacks scale 2, document 1 lacks scale 1.
        var unavailable = tensor(new[] { false, false, true, false, true, false }).reshape(BatchSize, NumScales);
        var changed = scales.Upsampled.Select((scale, s) => scale + 1000 * unavailable.select(1, s).to(ScalarType.Float64).reshape(-1, 1, 1)).ToArray();
        foreach (var mask in new[] { unavailable, unavailable.unsqueeze(1).expand(BatchSize, Length, NumScales) })
        {
            var result = aggregation.call(scales with { UnavailableScales = mask });
            var other = aggregation.call(new ScaleOutputs(changed) { UnavailableScales = mask });
            TestTensors.AssertClose(result.Output, other.Output, Tolerances.SameFormula);
            Assert.Equal(0, result.ScaleWeights[0].select(-1, 2).abs().sum().item<double>());
            Assert.Equal(0, result.ScaleWeights[1].select(-1, 1).abs().sum().item<double>());
            TestTensors.AssertClose(ones_like(result.ScaleWeights.select(-1, 0)), result.ScaleWeights.sum(-1), Tolerances.SameFormula);
        }
    }

    [Theory]
    [MemberData(nameof(KindsWithMasks))]
    public void OnlyTheFinestScale_IsReturnedUnchanged(AggregationKind kind)
    {
        using var scope = NewDisposeScope();
        using var aggregation = Create(kind);
        var scales = Scales(7);
        var result = aggregation.call(scales with { UnavailableScales = tensor(new[] { false, true, true }).expand(BatchSize, NumScales) });
        TestTensors.AssertClose(scales.Upsampled[0], result.Output, Tolerances.SameFormula);
    }

    [Theory]
    [MemberData(nameof(KindsWithMasks))]
    public void PaddedTokens_GiveZero_WhateverTheyHold(AggregationKind kind)
    {
        using var scope = NewDisposeScope();
        using var aggregation = Create(kind);
        var scales = Scales(8);
        var mask = arange(Length).ge(5).expand(BatchSize, Length);
        var expected = aggregation.call(scales with { KeyPaddingMask = mask }).Output;
        Assert.Equal(0, expected.narrow(1, 5, 2).abs().sum().item<double>());
        Assert.True(expected.narrow(1, 0, 5).abs().sum().item<double>() > 1);
        var spoiled = scales.Upsampled.Select(scale => scale.masked_fill(mask.unsqueeze(-1), double.NaN)).ToArray();
        TestTensors.AssertClose(expected, aggregation.call(new ScaleOutputs(spoiled) { KeyPaddingMask = mask }).Output, 0);
    }

    public static TheoryData<string> CausalForms => ["Softmax of tokens", "Linear of tokens", "Softmax without input", "Linear without input", "Nash"];

    /// <summary>A token of a causal model is a document of one token, with the prices of the scales.</summary>
    [Theory]
    [MemberData(nameof(CausalForms))]
    public void CausalTokens_AreWeighedAsDocumentsOfOneToken(string form)
    {
        using var scope = NewDisposeScope();
        AggregationOptions options = form == "Nash" ? new NashOptions { CostPrice = 0.4 } : new ConvexOptions
        {
            CostPrice = 0.4,
            UtilityForm = form.StartsWith("Linear", StringComparison.Ordinal) ? UtilityForm.Linear : UtilityForm.Softmax,
            Granularity = form.EndsWith("tokens", StringComparison.Ordinal) ? WeightGranularity.Token : WeightGranularity.InputFree,
        };
        using var aggregation = TestTensors.Prepared(ScaleAggregations.Create(DModel, NumScales, options), seed: 20);
        var costs = tensor(Enumerable.Range(0, BatchSize * NumScales).Select(i => (1 + (i * i % 5)) / 10.0).ToArray(), [BatchSize, NumScales]);
        var scales = Scales(3) with { IsCausal = true, RelativeCosts = costs };
        var result = aggregation.call(scales);
        for (int document = 0; document < BatchSize; document++)
        {
            for (int token = 0; token < Length; token++)
            {
                var alone = aggregation.call(new ScaleOutputs([.. scales.Upsampled.Select(rows => rows[document, token].reshape(1, 1, DModel))])
                {
                    RelativeCosts = costs.narrow(0, document, 1),
                });
                TestTensors.AssertClose(alone.ScaleWeights.flatten(), result.ScaleWeights[document, token], 1e-6);
                TestTensors.AssertClose(alone.Output.flatten(), result.Output[document, token], 1e-6);
            }
        }
        var free = aggregation.call(scales with { RelativeCosts = null });
        Assert.True((free.ScaleWeights - result.ScaleWeights).abs().max().item<double>() > 1e-3);
    }

    [Fact]
    public void Costs_AreTheSharesOfTheOperationsOfTheScales()
    {
        const int ratio = 2, window = 3, width = 5, scales = 6;
        int[] lengths = [1, 7, 40, 100];
        var hierarchy = new ScaleHierarchy(lengths, 100, scales, ratio, window);
        double[] costs = ScaleCosts.Compute(lengths, hierarchy, scales, width, window);
        for (int document = 0; document < lengths.Length; document++)
        {
            double[] operations = new double[scales];
            for (int scale = 0, tokens = lengths[document]; scale < hierarchy.Available[document]; scale++, tokens = (tokens + ratio - 1) / ratio)
            {
                // Two products of D x D for queries and keys, and two of K per key of the window for scores and sums; a product and its sum are two operations.
                int keys = Math.Min(tokens, 3 * window);
                operations[scale] = 2.0 * tokens * ((2 * width * width) + (2 * keys * width));
            }
            Assert.Equal(operations.Select(one => one / operations.Sum()), costs.Skip(document * scales).Take(scales), (a, b) => Math.Abs(a - b) < 1e-12);
        }
    }

    [Fact]
    public void Softmax_EqualsLoops_AndItsPenaltyIsLambda()
    {
        using var scope = NewDisposeScope();
        using var aggregation = Create(AggregationKind.Softmax);
        var scales = Scales(9);
        double[] weights = NaiveMaha.Softmax(Rows.Of1(aggregation.get_parameter("logits")!));
        var result = aggregation.call(scales);
        TestTensors.AssertClose(NaiveSum(scales, _ => weights), result.Output, Tolerances.SameFormula);
        Assert.Equal(0.1, result.AuxiliaryLoss.item<double>(), 1e-15);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void ReferenceNash_EqualsLoops(int steps)
    {
        using var scope = NewDisposeScope();
        using var aggregation = new ReferenceNashAggregation(NumScales, steps);
        // Small numbers: otherwise the softmax saturates, and every number of steps gives the same result.
        var scales = new ScaleOutputs([.. Scales(10).Upsampled.Select(scale => scale * 0.1)]);
        var result = aggregation.call(scales);
        double[][] weights =
            [.. Enumerable.Range(0, BatchSize).Select(b => NaiveMaha.NashWeights([.. scales.Upsampled.Select(scale => Rows.Of2(scale[b]))], steps))];
        TestTensors.AssertClose(Rows.ToTensor(weights), result.ScaleWeights, Tolerances.SameFormula);
        TestTensors.AssertClose(NaiveSum(scales, b => weights[b]), result.Output, Tolerances.SameFormula);
        Assert.Equal(steps, result.Diagnostics.Iterations);
    }

    [Fact]
    public void ReferenceNash_ReportsThatItDidNotConverge()
    {
        using var scope = NewDisposeScope();
        using var aggregation = new ReferenceNashAggregation(NumScales, 1);
        var diagnostics = aggregation.call(Scales(11)).Diagnostics;
        Assert.False(diagnostics.Converged());
        Assert.True(diagnostics.MaxResidual() > diagnostics.Tolerance);
        Assert.True(SolverDiagnostics.ClosedForm.Converged());
    }

    [Fact]
    public void ReferenceNash_RefusesMasks()
    {
        using var scope = NewDisposeScope();
        using var aggregation = new ReferenceNashAggregation(NumScales);
        var scales = Scales(12);
        foreach (var refused in new[]
        {
            scales with { KeyPaddingMask = zeros([BatchSize, Length], ScalarType.Bool) },
            scales with { UnavailableScales = zeros([BatchSize, NumScales], ScalarType.Bool) },
            scales with { IsCausal = true },
        })
        {
            Assert.Contains("ReferenceNash", Assert.Throws<ArgumentException>(() => aggregation.call(refused)).Message);
        }
    }

    [Fact]
    public void Gated_BlendsFromTheCoarsestScale()
    {
        using var scope = NewDisposeScope();
        using var aggregation = Create(AggregationKind.Gated);
        using var first = new CrossScaleGate(DModel);
        using var second = new CrossScaleGate(DModel);
        Copy(first, 0);
        Copy(second, 1);
        var scales = Scales(13);
        var expected = first.call(scales.Upsampled[0], second.call(scales.Upsampled[1], scales.Upsampled[2]));
        TestTensors.AssertClose(expected, aggregation.call(scales).Output, Tolerances.SameFormula);

        void Copy(CrossScaleGate gating, int scale)
        {
            gating.to(ScalarType.Float64);
            using var noGradient = no_grad();
            foreach (var (name, parameter) in gating.named_parameters())
                parameter.copy_(aggregation.get_parameter($"gates.{scale}.{name}")!);
        }
    }

    [Fact]
    public void GatedWeights_AreTheChannelsShares()
    {
        using var scope = NewDisposeScope();
        using var aggregation = TestTensors.Prepared(new GatedAggregation(1, NumScales), seed: 14);
        // One channel: the mean over channels is the share itself.
        var scales = new ScaleOutputs([.. Enumerable.Range(0, NumScales).Select(s => TestTensors.Random(15 + s, BatchSize, Length, 1))]);
        var result = aggregation.call(scales);
        var sum = Enumerable.Range(0, NumScales).Select(s => result.ScaleWeights.select(-1, s).unsqueeze(-1) * scales.Upsampled[s]).Aggregate((a, b) => a + b);
        TestTensors.AssertClose(sum, result.Output, Tolerances.SameFormula);
    }

    [Fact]
    public void WrongScales_Throw()
    {
        using var scope = NewDisposeScope();
        using var aggregation = new MeanAggregation(2);
        var scale = zeros(BatchSize, Length, DModel);
        Assert.Contains("must hold 2 outputs", Refuse(new ScaleOutputs([scale])));
        Assert.Contains("scale 1 is [2, 6, 5]", Refuse(new ScaleOutputs([scale, zeros(BatchSize, 6, DModel)])));
        Assert.Contains("Float64", Refuse(new ScaleOutputs([scale, scale.to(ScalarType.Float64)])));
        Assert.Contains("must hold Bool", Refuse(new ScaleOutputs([scale, scale]) { KeyPaddingMask = zeros(BatchSize, Length) }));
        Assert.Contains("[2, 7]", Refuse(new ScaleOutputs([scale, scale]) { KeyPaddingMask = zeros([BatchSize, 3], ScalarType.Bool) }));
        Assert.Contains("[2, 2] or [2, 7, 2]", Refuse(new ScaleOutputs([scale, scale]) { UnavailableScales = zeros([BatchSize, 3], ScalarType.Bool) }));

        string Refuse(ScaleOutputs scales) => Assert.ThrowsAny<ArgumentException>(() => aggregation.call(scales)).Message;
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(-1)]
    public void InvalidSparsityWeight_Throws(double weight)
        => Assert.Contains("sparsityWeight must be finite", Assert.Throws<ArgumentOutOfRangeException>(() => new SoftmaxAggregation(2, weight)).Message);

    private static Tensor NaiveSum(ScaleOutputs scales, Func<int, double[]> weights)
        => Rows.ToTensor(
            [.. Enumerable.Range(0, BatchSize).Select(b => NaiveMaha.WeightedSum([.. scales.Upsampled.Select(scale => Rows.Of2(scale[b]))], weights(b)))]);

    private static ScaleOutputs Scales(int seed)
        => new([.. Enumerable.Range(0, NumScales).Select(s => TestTensors.Random(100 * seed + s, BatchSize, Length, DModel) * 0.5)]);

    private static ScaleAggregation Create(AggregationKind kind, int numScales = NumScales)
        => TestTensors.Prepared(ScaleAggregations.Create(DModel, numScales, AggregationOptions.Create(kind)), seed: 20);
}
