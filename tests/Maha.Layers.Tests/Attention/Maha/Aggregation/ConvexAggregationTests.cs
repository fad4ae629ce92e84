using Maha.Layers.Attention;
using Maha.Layers.Tests.Reference;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

// B batch, N length, S scales, D width

/// <summary>The laws of the convex aggregation: the weights solve its program exactly, floors hold, and training can bring every scale back.</summary>
public sealed class ConvexAggregationTests
{
    private const int BatchSize = 2;
    private const int Length = 7;
    private const int DModel = 5;
    private const int NumScales = 3;

    // b of a start at which scale 0 has all the weight that the program may move.
    private static readonly double[] s_vertex = [4, 0, -4];

    public static TheoryData<string, double, WeightGranularity> Forms
    {
        get
        {
            var data = new TheoryData<string, double, WeightGranularity>();
            foreach (string form in Enum.GetNames<UtilityForm>())
            {
                foreach (double floor in new[] { 0, 0.1, 0.9 })
                {
                    foreach (var granularity in Enum.GetValues<WeightGranularity>())
                        data.Add(form, floor, granularity);
                }
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Weights_SolveTheProgramOfTheDefinition(string form, double floor, WeightGranularity granularity)
    {
        int atFloor = 0, inside = 0;
        for (int seed = 1; seed <= 12; seed++)
        {
            using var scope = NewDisposeScope();
            double rho = seed % 3 == 0 ? 0 : seed % 3 * 1.5;
            var options = new ConvexOptions
            {
                UtilityForm = Enum.Parse<UtilityForm>(form),
                WeightFloor = floor,
                Granularity = granularity,
                RedundancyPrice = rho,
                CostPrice = 0.2,
                Temperature = 0.5,
            };
            using var aggregation = Create(options, seed, scale: seed % 2 == 0 ? 0.3 : 2);
            var scales = Scales(seed) with { RelativeCosts = tensor(new[] { 0.6, 0.3, 0.1, 0.2, 0.3, 0.5 }).reshape(BatchSize, NumScales) };
            var result = aggregation.call(scales);
            Assert.True(result.Diagnostics.Converged());
            for (int document = 0; document < BatchSize; document++)
            {
                double[,] matrix = Matrix(scales, document, rho);
                double[] costs = TestTensors.ToArray(scales.RelativeCosts[document]);
                foreach (int token in granularity == WeightGranularity.Token ? Enumerable.Range(0, Length) : [0])
                {
                    double[] utilities = Utilities(aggregation, scales, options, document, token), preference = Preference(utilities, options);
                    double[] linear = options.UtilityForm == UtilityForm.Softmax
                        ? [.. preference.Zip(costs, (p, cost) => p - (0.2 * cost))]
                        : [.. utilities.Zip(costs, (u, cost) => (u - (0.2 * cost)) / 0.5)];
                    double[] least = [.. preference.Select(p => floor * p)];
                    double[] weights = TestTensors.ToArray(
                        granularity == WeightGranularity.Token ? result.ScaleWeights[document, token] : result.ScaleWeights[document]);
                    AssertMinimum(matrix, linear, least, weights);
                    atFloor += weights.Zip(least).Count(pair => pair.First <= pair.Second + 1e-12);
                    inside += weights.Zip(least).Count(pair => pair.First > pair.Second + 1e-6);
                }
            }
        }
        // Both kinds of solution have occurred, so that both halves of the conditions were compared.
        Assert.True(atFloor > 0 || (form == nameof(UtilityForm.Softmax) && floor == 0.9), "no weight was at its floor");
        Assert.True(inside > 0, "no weight was above its floor");
    }

    [Theory]
    [InlineData(nameof(UtilityForm.Softmax), 0.1, 0)]
    [InlineData(nameof(UtilityForm.Softmax), 0.1, 0.3)]
    [InlineData(nameof(UtilityForm.Softmax), 0.1, 1)]
    [InlineData(nameof(UtilityForm.Softmax), 0, 0.3)]
    [InlineData(nameof(UtilityForm.Linear), 0.1, 0)]
    [InlineData(nameof(UtilityForm.Linear), 0.1, 0.3)]
    [InlineData(nameof(UtilityForm.Linear), 0.1, 1)]
    public void Gradients_EqualCentralDifferences_AtAndNearAVertex(string form, double floor, double distance)
    {
        foreach (double rho in new[] { 0, 0.5, 3 })
        {
            using var scope = NewDisposeScope();
            using var aggregation = Create(new ConvexOptions { UtilityForm = Enum.Parse<UtilityForm>(form), WeightFloor = floor, RedundancyPrice = rho }, seed: 3);
            SetBias(aggregation, [.. s_vertex.Select(b => (1 - distance) * b)]);
            var scales = Scales(4);
            var upstream = TestTensors.Random(5, BatchSize, Length, DModel);
            TestTensors.AssertGradients(
                () =>
                {
                    var result = aggregation.call(scales);
                    return (result.Output * upstream).sum() + result.ScaleWeights.square().sum();
                },
                [.. scales.Upsampled.Select((scale, s) => ($"scale {s}", scale)),
                    .. aggregation.named_parameters().Select(named => (named.name, (Tensor)named.parameter))]);
        }
    }

    [Fact]
    public void Utilities_HaveAGradientAtAVertex_OnlyAsSoftmax()
    {
        Assert.True(BiasGradient(UtilityForm.Softmax, floor: 0.1) > 1e-6);
        Assert.Equal(0, BiasGradient(UtilityForm.Linear, floor: 0));
        Assert.Equal(0, BiasGradient(UtilityForm.Linear, floor: 0.1));

        // The price of scales 1 and 2 is so high that scale 0 has all the weight that the program may move.
        static double BiasGradient(UtilityForm form, double floor)
        {
            using var scope = NewDisposeScope();
            var options = new ConvexOptions { UtilityForm = form, WeightFloor = floor, CostPrice = 10 };
            using var aggregation = Create(options, seed: 3);
            var scales = Scales(4) with { RelativeCosts = tensor(new[] { 0, 0.5, 0.5 }).expand(BatchSize, NumScales) };
            var result = aggregation.call(scales);
            for (int token = 0; token < Length; token++)
            {
                double[] preference = Preference(Utilities(aggregation, scales, options, 1, token), options);
                Assert.Equal(floor * preference[1], result.ScaleWeights[1, token, 1].item<double>(), 1e-12);
                Assert.Equal(floor * preference[2], result.ScaleWeights[1, token, 2].item<double>(), 1e-12);
            }
            (result.Output * TestTensors.Random(5, BatchSize, Length, DModel)).sum().backward();
            return aggregation.get_parameter("utility_bias")!.grad!.abs().sum().item<double>();
        }
    }

    [Theory]
    [InlineData(nameof(UtilityForm.Softmax), false)]
    [InlineData(nameof(UtilityForm.Softmax), true)]
    [InlineData(nameof(UtilityForm.Linear), false)]
    [InlineData(nameof(UtilityForm.Linear), true)]
    public void MissingScales_HaveNoWeight_AndNoEffect(string form, bool causal)
    {
        using var scope = NewDisposeScope();
        using var aggregation = Create(new ConvexOptions { UtilityForm = Enum.Parse<UtilityForm>(form), WeightFloor = 0.3 }, seed: 6);
        var mask = tensor(new[] { false, false, true, false, true, true }).reshape(BatchSize, NumScales);
        var perToken = mask.unsqueeze(1).expand(BatchSize, Length, NumScales);
        var scales = Scales(7) with { IsCausal = causal, UnavailableScales = causal ? perToken : mask };
        var changed = scales with
        {
            Upsampled = [.. scales.Upsampled.Select((scale, s) => scale + (1000 * mask.select(1, s).to(ScalarType.Float64).reshape(-1, 1, 1)))],
        };
        var result = aggregation.call(scales);
        TestTensors.AssertClose(result.Output, aggregation.call(changed).Output, Tolerances.SameFormula);
        Assert.Equal(0, result.ScaleWeights.masked_select(perToken).abs().sum().item<double>());
        TestTensors.AssertClose(ones(BatchSize, Length), result.ScaleWeights.sum(-1), Tolerances.SameFormula);
        TestTensors.AssertClose(scales.Upsampled[0][1], result.Output[1], Tolerances.SameFormula);
    }

    [Theory]
    [InlineData(nameof(UtilityForm.Softmax))]
    [InlineData(nameof(UtilityForm.Linear))]
    public void PaddedTokens_HaveNoWeightAndNoEffect(string form)
    {
        using var scope = NewDisposeScope();
        using var aggregation = Create(new ConvexOptions { UtilityForm = Enum.Parse<UtilityForm>(form), WeightFloor = 0.3 }, seed: 8);
        var scales = Scales(9);
        var mask = arange(Length).ge(5).expand(BatchSize, Length);
        var padded = aggregation.call(new ScaleOutputs([.. scales.Upsampled.Select(scale => scale.masked_fill(mask.unsqueeze(-1), 1e3))])
        {
            KeyPaddingMask = mask,
        });
        var alone = aggregation.call(new ScaleOutputs([.. scales.Upsampled.Select(scale => scale.narrow(1, 0, 5).contiguous())]));
        TestTensors.AssertClose(alone.ScaleWeights, padded.ScaleWeights.narrow(1, 0, 5), Tolerances.SameFormula);
        TestTensors.AssertClose(alone.Output, padded.Output.narrow(1, 0, 5), Tolerances.SameFormula);
        Assert.Equal(0, padded.ScaleWeights.narrow(1, 5, 2).abs().sum().item<double>());
    }

    [Fact]
    public void Training_BringsBackAScaleThatTheStartHasDropped()
    {
        // The target is the output of the scale that has the least weight at the start.
        Assert.InRange(WeightAfterTraining(new ConvexOptions()), 0.7, 1);
        Assert.InRange(WeightAfterTraining(new ConvexOptions { WeightFloor = 0 }), 0.7, 1);

        // The form of older models: the start is a vertex, and the weight stays exactly 0.
        Assert.Equal(0, WeightAfterTraining(ConvexOptions.SavedWithoutForm));

        static double WeightAfterTraining(ConvexOptions options)
        {
            using var scope = NewDisposeScope();
            using var aggregation = Create(options with { RedundancyPrice = 0.1 }, seed: 10);
            SetBias(aggregation, s_vertex);
            var scales = Scales(11);
            using var optimizer = optim.Adam(aggregation.parameters(), lr: 0.05);
            Assert.InRange(Weight(), 0, 0.05);
            for (int step = 0; step < 400; step++)
            {
                optimizer.zero_grad();
                (aggregation.call(scales).Output - scales.Upsampled[2]).square().mean().backward();
                optimizer.step();
            }
            return Weight();

            double Weight() => aggregation.call(scales).ScaleWeights.select(-1, 2).mean().item<double>();
        }
    }

    [Theory]
    [InlineData(-0.01)]
    [InlineData(1)]
    [InlineData(double.NaN)]
    public void InvalidFloor_Throws(double floor) =>
        Assert.Contains("WeightFloor must lie in [0, 0.99]",
            Assert.Throws<ArgumentOutOfRangeException>(() => new ConvexAggregation(DModel, NumScales, new ConvexOptions { WeightFloor = floor })).Message);

    // The program is convex: the conditions of Karush, Kuhn and Tucker for lower bounds are sufficient, and no feasible point is better.
    private static void AssertMinimum(double[,] matrix, double[] linear, double[] least, double[] weights)
    {
        Assert.Equal(1, weights.Sum(), 1e-12);
        double[] slopes = [.. Enumerable.Range(0, NumScales).Select(s => Enumerable.Range(0, NumScales).Sum(m => matrix[s, m] * weights[m]) - linear[s])];
        double level = slopes.Min(), tolerance = 1e-9 * Math.Max(1, linear.Max(Math.Abs)) / (1 - least.Sum());
        for (int s = 0; s < NumScales; s++)
        {
            Assert.True(weights[s] >= least[s] - 1e-12, $"weight {weights[s]} of scale {s} is below its floor {least[s]}");
            Assert.True(weights[s] <= least[s] + 1e-12 || slopes[s] <= level + tolerance, $"scale {s} has a weight that should be moved to another scale");
        }
        double best = Objective(weights);
        foreach (double[] point in SimplexGrid.Points(NumScales, 30))
            Assert.True(best <= Objective([.. point.Zip(least, (share, floor) => floor + ((1 - least.Sum()) * share))]) + 1e-12, "the grid has a better point");

        double Objective(double[] a)
        {
            double value = 0;
            for (int s = 0; s < NumScales; s++)
            {
                value -= linear[s] * a[s];
                for (int m = 0; m < NumScales; m++)
                    value += matrix[s, m] * a[s] * a[m] / 2;
            }
            return value;
        }
    }

    // I + rho G by loops.
    private static double[,] Matrix(ScaleOutputs scales, int document, double rho)
    {
        double[,] matrix = new double[NumScales, NumScales];
        for (int token = 0; token < Length; token++)
        {
            double[][] units = [.. scales.Upsampled.Select(scale => Unit(scale, document, token))];
            for (int s = 0; s < NumScales; s++)
            {
                for (int m = 0; m < NumScales; m++)
                    matrix[s, m] += (rho * units[s].Zip(units[m], (x, y) => x * y).Sum() / (DModel * Length)) + (s == m && token == 0 ? 1 : 0);
            }
        }
        return matrix;
    }

    private static double[] Unit(Tensor scale, int document, int token)
    {
        double[] row = TestTensors.ToArray(scale[document, token]);
        double root = Math.Sqrt((row.Sum(x => x * x) / DModel) + 1e-6);
        return [.. row.Select(x => x / root)];
    }

    // u of one token, or the mean over the tokens of the document, or the biases alone.
    private static double[] Utilities(ConvexAggregation aggregation, ScaleOutputs scales, ConvexOptions options, int document, int token)
    {
        double[] direction = TestTensors.ToArray(aggregation.get_parameter("utility")!), bias = TestTensors.ToArray(aggregation.get_parameter("utility_bias")!);
        int[] tokens = options.Granularity == WeightGranularity.Document ? [.. Enumerable.Range(0, Length)] : [token];
        return [.. scales.Upsampled.Select((scale, s) =>
            bias[s] + (options.Granularity == WeightGranularity.InputFree ? 0 : tokens.Average(i => direction.Zip(Row(scale, i), (v, x) => v * x).Sum())))];

        double[] Row(Tensor scale, int i) => options.UtilityForm == UtilityForm.Linear
            ? TestTensors.ToArray(scale[document, i])
            : [.. Unit(scale, document, i).Select(x => x / Math.Sqrt(DModel))];
    }

    private static double[] Preference(double[] utilities, ConvexOptions options)
    {
        if (options.UtilityForm == UtilityForm.Linear)
            return [.. utilities.Select(_ => 1.0 / NumScales)];
        double[] powers = [.. utilities.Select(u => Math.Exp(u / options.Temperature))];
        return [.. powers.Select(power => power / powers.Sum())];
    }

    private static void SetBias(ConvexAggregation aggregation, double[] bias)
    {
        using var noGradient = no_grad();
        aggregation.get_parameter("utility_bias")!.copy_(tensor(bias));
    }

    private static ScaleOutputs Scales(int seed) =>
        new([.. Enumerable.Range(0, NumScales).Select(s => TestTensors.Random((100 * seed) + s, BatchSize, Length, DModel) * 0.5)]);

    private static ConvexAggregation Create(ConvexOptions options, int seed, double scale = 0.3) =>
        TestTensors.Prepared(new ConvexAggregation(DModel, NumScales, options), seed, scale);
}
