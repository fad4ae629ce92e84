using Maha.Layers.Attention;
using Maha.Layers.Kernels;
using Maha.Layers.Trees;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Blocks;

// B batch, N length, H heads, K head dim, D = H * K

/// <summary>Hierarchical attention on the CUDA device against the processor: random shapes, lengths and trees, in every form.</summary>
internal static class DeviceTreeChecks
{
    private static readonly int[] s_headDims = [32, 64, 128, 16];
    private static readonly HierarchicalForm[] s_forms =
    [
        HierarchicalForm.Optimal, HierarchicalForm.KeyTied, HierarchicalForm.Causal, HierarchicalForm.CausalOverlap,
    ];

    /// <summary>Checks that many problems of each form.</summary>
    public static void Run(DeviceReport report, int count)
    {
        foreach (var form in s_forms)
        {
            foreach (bool isBlocks in new[] { true, false })
            {
                double output = 0, gradients = 0, reduced = 0;
                for (int seed = 0; seed < count; seed++)
                {
                    var (single, singleGradients, half) = Compare(report.Device, form, isBlocks, seed);
                    output = Math.Max(output, single);
                    gradients = Math.Max(gradients, singleGradients);
                    reduced = Math.Max(reduced, half);
                }
                report.Check(
                    $"{form} {(isBlocks ? "blocks" : "trees")}, {count} random problems",
                    ("output", output, DeviceBlockChecks.Float32Limit), ("gradients", gradients, DeviceBlockChecks.Float32Limit),
                    ("bfloat16 / limit", reduced, 1));
            }
        }
    }

    private static (double Output, double Gradients, double Reduced) Compare(Device device, HierarchicalForm form, bool isBlocks, int seed)
    {
        using var scope = NewDisposeScope();
        var random = new Random(seed);
        manual_seed(seed);
        int headDim = s_headDims[seed % s_headDims.Length], heads = 1 + random.Next(3), batch = 1 + random.Next(3), branching = 2 + random.Next(31);
        int length = 1 + random.Next(seed % 5 == 0 ? 3000 : 500);

        // A document without tokens, one of a single token, and any other length.
        int[] lengths = [.. Enumerable.Range(0, batch).Select(_ => random.Next(6) switch { 0 => 0, 1 => 1, 2 => length, _ => random.Next(length + 1) })];
        TokenHierarchy?[] trees = [.. lengths.Select(n => n == 0 ? null : TokenHierarchy.FromTree(RandomTree(random, 0, n, 5)))];
        Tensor[] operands = [.. Enumerable.Range(0, 4).Select(_ => randn(batch, length, heads * headDim).to(ScalarType.BFloat16).to(ScalarType.Float32))];

        var expected = Pass(operands, isKernel: true);
        var actual = Pass([.. operands.Select(tensor => tensor.to(device))], isKernel: true);
        Tensor[] narrow = [.. operands.Select(tensor => tensor.to(device).to(ScalarType.BFloat16))];
        var (half, plain) = (Pass(narrow, isKernel: true), Pass(narrow, isKernel: false));
        double largest = Gradients(DeviceReport.Largest), norm = Gradients(DeviceReport.Norm);
        return (
            DeviceReport.Error(DeviceReport.Largest, expected[0], actual[0]),
            Enumerable.Range(1, 3).Max(i => DeviceReport.Error(DeviceReport.Largest, expected[i], actual[i], largest)),
            Enumerable.Range(0, 4).Max(i => NormError(half, i) / DeviceBlockChecks.ReducedLimit(NormError(plain, i))));

        double Gradients(Func<Tensor, double> size) => expected[1..].Max(gradient => size(gradient.to(ScalarType.Float64)));

        double NormError(Tensor[] tensors, int i) => DeviceReport.Error(DeviceReport.Norm, expected[i], tensors[i], i == 0 ? 0 : norm);

        Tensor[] Pass(Tensor[] tensors, bool isKernel)
        {
            CudaKernels.IsEnabled = isKernel;
            Tensor[] inputs = [.. tensors[..3].Select(tensor => tensor.detach().clone().requires_grad_())];
            var output = isBlocks
                ? TreeAttention.Blocks(inputs[0], inputs[1], inputs[2], heads, branching, form, lengths)
                : TreeAttention.Documents(inputs[0], inputs[1], inputs[2], heads, trees, form, lengths);
            CudaKernels.IsEnabled = true;

            // Documents without any token give a constant.
            if (output.requires_grad)
                output.backward([tensors[3]]);
            return [output.detach().cpu(), .. inputs.Select(input => input.grad?.cpu() ?? zeros_like(input).cpu())];
        }
    }

    // The tree of a document: parts of any size, leaves at any depth.
    private static HierarchyNode RandomTree(Random random, int start, int end, int depth)
    {
        if (end - start == 1 || depth == 0)
            return end - start == 1 ? HierarchyNode.Leaf(start) : HierarchyNode.FromTokens(start, end);
        var children = new List<HierarchyNode>();
        int most = Math.Max(1, (end - start) / (1 + random.Next(12)));
        for (int at = start; at < end;)
        {
            int next = Math.Min(end, at + 1 + random.Next(most));
            children.Add(RandomTree(random, at, next, depth - 1));
            at = next;
        }
        return new HierarchyNode(start, end, children);
    }
}
