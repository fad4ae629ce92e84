using Maha.Layers.Attention;
using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Blocks;

// B batch, N length, S scales, H heads, K head dim, D = H * K

/// <summary>Windowed attention on the CUDA device against the processor: random shapes, windows, lengths and numbers of scales.</summary>
internal static class DeviceWindowChecks
{
    // What torch's operators lose in bfloat16 is less.
    private const double MaxReducedError = 1e-2;

    private static readonly int[] s_headDims = [32, 64, 128, 16];

    // Causal, a band of distances, global keys.
    private static readonly (string Name, bool Causal, bool Band, bool Global)[] s_kinds =
    [
        ("blocks", false, false, false), ("causal blocks", true, false, false), ("band", false, true, false), ("causal band", true, true, false),
        ("band and global keys", false, true, true), ("causal band and global keys", true, true, true),
    ];

    /// <summary>Checks that many problems of each kind.</summary>
    public static void Run(DeviceReport report, int count)
    {
        foreach (var (name, causal, band, global) in s_kinds)
        {
            double output = 0, gradients = 0, reduced = 0;
            bool equal = true, finite = true;
            long missing = 0;
            for (int seed = 0; seed < count; seed++)
            {
                using var scope = NewDisposeScope();
                var problem = new Problem(seed, causal, band, global);
                var expected = problem.Pass(CPU, ScalarType.Float32, isKernel: true);
                long before = CudaKernels.Launches;
                var actual = problem.Pass(report.Device, ScalarType.Float32, isKernel: true);
                missing += problem.HasKernels && CudaKernels.Launches - before != 3 ? 1 : 0;
                var half = problem.Pass(report.Device, ScalarType.BFloat16, isKernel: true);
                var again = problem.Pass(report.Device, ScalarType.BFloat16, isKernel: true);
                var plain = problem.Pass(report.Device, ScalarType.BFloat16, isKernel: false);
                equal &= !problem.HasKernels || half.Zip(again, (first, second) => first.equal(second).all().item<bool>()).All(same => same);
                finite &= !problem.HasKernels || half.All(tensor => tensor.isfinite().all().item<bool>());
                int outputs = expected.Count / 3;
                for (int i = 0; i < expected.Count; i++)
                {
                    // Where all terms of a gradient cancel only rounding is left, relative to the other gradients.
                    var similar = i < outputs ? expected.Take(outputs) : expected.Skip(outputs);
                    double largest = similar.Max(tensor => DeviceReport.Largest(tensor.to(ScalarType.Float64)));
                    double norm = similar.Max(tensor => DeviceReport.Norm(tensor.to(ScalarType.Float64)));
                    double error = DeviceReport.Error(DeviceReport.Largest, expected[i], actual[i], largest);
                    (output, gradients) = i < outputs ? (Math.Max(output, error), gradients) : (output, Math.Max(gradients, error));
                    // Torch's fused operators can overflow in the gradients of rows that see nothing.
                    double plainError = DeviceReport.Error(DeviceReport.Norm, expected[i], plain[i], norm);
                    double limit = DeviceBlockChecks.ReducedLimit(double.IsFinite(plainError) ? plainError : MaxReducedError);
                    if (problem.HasKernels)
                        reduced = Math.Max(reduced, DeviceReport.Error(DeviceReport.Norm, expected[i], half[i], norm) / limit);
                }
            }
            report.Check(
                $"windows: {name}, {count} random problems",
                ("output", output, DeviceBlockChecks.Float32Limit), ("gradients", gradients, DeviceBlockChecks.Float32Limit),
                ("bfloat16 / limit", reduced, 1), ("unlike bits at the second run", equal ? 0 : 1, 0),
                ("infinite in bfloat16", finite ? 0 : 1, 0), ("passes without three launches", missing, 0));
        }
    }

    private sealed class Problem
    {
        private readonly List<(WindowPlan Plan, int[] Lengths, Tensor[] Operands)> _scales = [];

        public Problem(int seed, bool causal, bool band, bool global)
        {
            var random = new Random(seed);
            manual_seed(seed);
            int headDim = s_headDims[seed % s_headDims.Length], heads = 1 + random.Next(3), batch = 1 + random.Next(3), width = heads * headDim;
            HasKernels = headDim >= 32;
            for (int scale = global ? 1 : 1 + random.Next(4); scale > 0; scale--)
            {
                int length = 1 + random.Next(seed % 5 == 0 ? 3000 : 500);
                int window = random.Next(3) switch { 0 => 128, 1 => 1 + random.Next(300), _ => 1 + random.Next(40) };
                var plan = new WindowPlan(batch, length, heads, headDim, window, causal, band, global ? 1 + random.Next(seed % 2 == 0 ? 3 : 200) : 0);
                int[] lengths =
                [
                    .. Enumerable.Range(0, batch).Select(_ => random.Next(6) switch { 0 => 0, 1 => 1, 2 => length, _ => random.Next(length + 1) }),
                ];
                Tensor[] operands =
                [
                    .. new[] { 2, 1, 1 }.Select(parts => randn(batch, length, parts * width).to(ScalarType.BFloat16).to(ScalarType.Float32)),
                ];
                _scales.Add((plan, lengths, operands));
            }
        }

        public bool HasKernels { get; }

        // The outputs of all scales, then the gradients of queries and keys, then those of values.
        public List<Tensor> Pass(Device device, ScalarType type, bool isKernel)
        {
            CudaKernels.IsEnabled = isKernel;
            var inputs = _scales.Select(scale => scale.Operands.Select(tensor => tensor.to(device).to(type).detach()).ToArray()).ToList();
            foreach (var tensor in inputs.SelectMany(tensors => tensors.Take(2)))
                tensor.requires_grad_();
            var outputs = WindowAttention.ApplyAll(
                [.. inputs.Select((tensors, i) => new WindowOperands(tensors[0], tensors[1], _scales[i].Plan, _scales[i].Lengths))]);
            autograd.backward(outputs, inputs.Select(tensors => tensors[2]).ToList());
            CudaKernels.IsEnabled = true;
            return
            [
                .. outputs.Select(output => output.detach().cpu()), .. inputs.Select(tensors => tensors[0].grad!.cpu()),
                .. inputs.Select(tensors => tensors[1].grad!.cpu()),
            ];
        }
    }
}
