using Maha.Layers.Attention;
using Maha.Layers.Core;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Blocks;

// B batch, N length, S scales, D width

/// <summary>The aggregations of scales on the CUDA device against the processor: random shapes, lengths, ratios, prices and forms.</summary>
internal static class DeviceAggregationChecks
{
    private static readonly (string Name, Func<Random, AggregationOptions> Options, bool IsCausal)[] s_kinds =
    [
        ("Convex token", random => Convex(random, WeightGranularity.Token), false),
        ("Convex document", random => Convex(random, WeightGranularity.Document), false),
        ("Convex input-free", random => Convex(random, WeightGranularity.InputFree), false),
        ("Convex token causal", random => Convex(random, WeightGranularity.Token), true),
        ("Convex input-free causal", random => Convex(random, WeightGranularity.InputFree), true),
        ("Nash", random => new NashOptions { CostPrice = random.Next(2) * 0.5 }, false),
        ("Softmax", _ => AggregationOptions.Create(AggregationKind.Softmax), false),
        ("Gated", _ => AggregationOptions.Create(AggregationKind.Gated), false),
        ("Mean", _ => AggregationOptions.Create(AggregationKind.Mean), false),
        ("Mean causal", _ => AggregationOptions.Create(AggregationKind.Mean), true),
    ];

    /// <summary>Runs that many problems of each kind.</summary>
    public static void Run(DeviceReport report, int count)
    {
        foreach (var (name, options, isCausal) in s_kinds)
        {
            double output = 0, weights = 0, gradients = 0, reduced = 0, residual = 0;
            int differing = 0;
            for (int seed = 0; seed < count; seed++)
            {
                var errors = Compare(report.Device, options, isCausal, seed);
                (output, weights) = (Math.Max(output, errors.Output), Math.Max(weights, errors.Weights));
                (gradients, reduced) = (Math.Max(gradients, errors.Gradients), Math.Max(reduced, errors.Reduced));
                residual = errors.Residual <= residual ? residual : errors.Residual;
                differing += errors.Differing;
            }
            const double limit = DeviceBlockChecks.Float32Limit;
            report.Check(
                $"{name}, {count} random problems", ("output", output, limit), ("weights", weights, limit), ("gradients", gradients, limit),
                ("bfloat16 / limit", reduced, 1), ("residual", residual, limit), ("runs with other bits", differing, 0));
        }
    }

    private static ConvexOptions Convex(Random random, WeightGranularity granularity) => new()
    {
        Granularity = granularity,
        RedundancyPrice = random.Next(5) == 0 ? 0 : 3 * random.NextDouble(),
        Temperature = 0.5 + random.NextDouble(),
        WeightFloor = random.Next(3) == 0 ? 0 : 0.2,
        CostPrice = random.Next(2) * 0.5,
        UtilityForm = random.Next(3) == 0 ? UtilityForm.Linear : UtilityForm.Softmax,
    };

    private static (double Output, double Weights, double Gradients, double Reduced, double Residual, int Differing) Compare(
        Device device, Func<Random, AggregationOptions> create, bool isCausal, int seed)
    {
        using var scope = NewDisposeScope();
        var random = new Random(seed);
        manual_seed(seed);
        var options = create(random);
        int ratio = 2 + random.Next(3), numScales = 1 + random.Next(seed % 3 == 0 ? 12 : 6);

        // Every width and number of scales is compiled on its own, so there are few.
        int width = numScales <= 4 && random.Next(2) == 0 ? 200 : 64;
        int batch = 1 + random.Next(3), length = 1 + random.Next(seed % 5 == 0 ? 3000 : 300);
        int[] lengths = [.. Enumerable.Range(0, batch).Select(_ => random.Next(5) switch { 0 => 0, 1 => length, _ => random.Next(length + 1) })];
        var hierarchy = isCausal ? ScaleHierarchy.Causal(lengths, length, numScales, ratio) : new ScaleHierarchy(lengths, length, numScales, ratio, 2);
        using var aggregation = ScaleAggregations.Create(width, numScales, options);

        // Larger parameters of these kinds give utilities and logits of 40 and more, of which the rounding alone decides.
        bool isSteep = options.Kind is AggregationKind.Softmax or AggregationKind.Gated || options is ConvexOptions { UtilityForm: UtilityForm.Linear };
        double parameterSize = isSteep ? 0.05 : 0.5;
        using (no_grad())
        {
            foreach (var parameter in aggregation.parameters())
                parameter.normal_(0, parameterSize).copy_(parameter.to(ScalarType.BFloat16));
        }
        double[]? costs = options.ScaleCostPrice > 0 ? [.. Enumerable.Range(0, batch * numScales).Select(_ => random.NextDouble())] : null;
        Tensor[] operands =
        [
            .. Enumerable.Range(0, hierarchy.Count)
                .Select(s => TokenMasks.Clear(Round(randn(batch, hierarchy.Lengths[s], width) * (0.5 + s)), hierarchy.ValidLengths[s])),
        ];
        var upstream = Round(randn(batch, length, width));

        var expected = Pass(CPU, ScalarType.Float32, isKernel: false);
        var (actual, again) = (Pass(device, ScalarType.Float32, isKernel: true), Pass(device, ScalarType.Float32, isKernel: true));
        var half = Pass(device, ScalarType.BFloat16, isKernel: true);
        var plain = Pass(device, ScalarType.BFloat16, isKernel: false);
        double largest = Most(DeviceReport.Largest), norm = Most(DeviceReport.Norm);
        return (
            Error(0, 1e-3), Error(1, 1e-3), Enumerable.Range(2, expected.Tensors.Length - 2).Max(i => Error(i, largest)),
            Enumerable.Range(0, expected.Tensors.Length).Max(i => Reduced(half, i) / DeviceBlockChecks.ReducedLimit(Reduced(plain, i))), actual.Residual,
            actual.Tensors.Zip(again.Tensors, (first, second) => first.equal(second).all().item<bool>()).All(same => same) ? 0 : 1);

        double Most(Func<Tensor, double> size) => expected.Tensors[2..].Max(gradient => size(gradient.to(ScalarType.Float64)));

        double Error(int i, double floor) => DeviceReport.Error(DeviceReport.Largest, expected.Tensors[i], actual.Tensors[i], floor);

        double Reduced((Tensor[] Tensors, double Residual) pass, int i) =>
            DeviceReport.Error(DeviceReport.Norm, expected.Tensors[i], pass.Tensors[i], i < 2 ? 1e-3 : norm);

        static Tensor Round(Tensor tensor) => tensor.to(ScalarType.BFloat16).to(ScalarType.Float32);

        // Output, weights, then gradients.
        (Tensor[] Tensors, double Residual) Pass(Device place, ScalarType type, bool isKernel)
        {
            aggregation.zero_grad();
            aggregation.to(type);
            aggregation.to(place);
            Tensor[] inputs = [.. operands.Select(operand => operand.to(type).to(place).detach().requires_grad_())];
            // Gates of a single scale have no kernel.
            var fused = isKernel ? aggregation.TryAggregate(CudaScales.TryCreate(inputs, hierarchy, numScales, costs)!) : null;
            var result = fused ?? aggregation.call(Scales(inputs));
            result.Output.backward([upstream.to(type).to(place)]);
            var padding = TokenMasks.Invalid(lengths, length, CPU).unsqueeze(-1);
            var weights = Host(result.ScaleWeights);
            Tensor[] tensors =
            [
                Host(result.Output), weights.dim() == 3 ? weights.masked_fill(padding, 0) : weights,
                .. inputs.Select(input => Host(input.grad!)),
                .. aggregation.parameters().Select(parameter => parameter.grad is { } gradient ? Host(gradient) : zeros(parameter.shape)),
            ];
            return (tensors, result.Diagnostics.MaxResidual());
        }

        static Tensor Host(Tensor tensor) => tensor.detach().cpu().to(ScalarType.Float32);

        ScaleOutputs Scales(Tensor[] inputs)
        {
            var (place, type) = (inputs[0].device, inputs[0].dtype);
            var mask = TokenMasks.Invalid(lengths, length, place);
            var prices = costs is null ? null : tensor(costs, [batch, numScales]).to(type).to(place);
            if (isCausal)
                return CausalScales.Upsample(inputs, hierarchy, numScales, prices, mask);
            var compact = new CompactScales(inputs, hierarchy, numScales);
            return new ScaleOutputs(compact.Upsampled())
            {
                Compact = compact,
                KeyPaddingMask = mask,
                UnavailableScales = hierarchy.Available.Min() < numScales ? compact.Unavailable(place) : null,
                RelativeCosts = prices,
            };
        }
    }
}
