using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Kernels;
using Maha.Layers.Models;
using Maha.Layers.Trees;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Core;

// B batch, N tokens, D width, S scales

/// <summary>One call of a custom autograd function on small inputs.</summary>
/// <param name="inputs">Leaves that require gradients.</param>
/// <param name="run">The call.</param>
/// <param name="keepsInputs">Whether the backward pass reads one of the inputs.</param>
internal sealed class FunctionCase(Tensor[] inputs, Func<Tensor[], Tensor[]> run, bool keepsInputs = true) : IDisposable
{
    private const int B = 2, N = 12, D = 6, S = 2;

    /// <summary>One case for each function of the library.</summary>
    public static IReadOnlyDictionary<Type, Func<FunctionCase>> All { get; } = new Dictionary<Type, Func<FunctionCase>>
    {
        [typeof(DepthwiseConvolutionFunction)] = () => new(
            [Leaf(1, B, N, D), Leaf(2, D, 1, 3), Leaf(3, D)],
            x => [DepthwiseConvolutionFunction.Apply(x[0], x[1], x[2], new ConvolutionPlan(B, N, N, D, 3, 1, 1, -1, Relu: true), [N, N - 3], [N, N - 3])]),
        [typeof(DropoutFunction)] = () => new([Leaf(1, B, N, D)], x => [DropoutFunction.Apply(x[0], 0.5, 7)], keepsInputs: false),
        [typeof(FeedForwardFunction)] = () =>
        {
            // Rows and widths that the kernel takes.
            var (expand, contract) = (nn.Linear(64, 128), nn.Linear(128, 64));
            return new([Leaf(1, 4, 64, 64), expand.weight!, expand.bias!, contract.weight!, contract.bias!],
                x => [FeedForwardFunction.Apply(x[0], expand, contract)]);
        },
        [typeof(GeluFunction)] = () => new([Leaf(1, B, N, D), Leaf(2, D)], x => [GeluFunction.Apply(x[0], x[1])]),
        [typeof(LinearFunction)] = () =>
        {
            // Rows and widths that the kernel takes.
            var (first, second) = (nn.Linear(64, 64), nn.Linear(64, 32));
            return new([Leaf(1, 4, 64, 64), first.weight!, first.bias!, second.weight!, second.bias!], x => LinearFunction.ApplyAll(x[0], first, second));
        },
        [typeof(NashFunction)] = () => new(
            [Gram(1), Leaf(2, ScalarType.Float64, B, S)], x => [NashFunction.Apply(x[0], x[1], new NashBatch(1, 1e-10, 200, [S, S]))], keepsInputs: false),
        [typeof(NextTokenLossFunction)] = () =>
        {
            var targets = TestTensors.RandomIds(5, 11, N); // every row has one
            return new([Leaf(1, N, D), Leaf(2, 11, D)], x => [NextTokenLossFunction.Apply(x[0], x[1], targets, N, 0.1)], keepsInputs: false);
        },
        [typeof(RecomputedBlockFunction)] = () =>
        {
            var block =
                new MahaBlock(new MahaBlockOptions { DModel = 8, NumHeads = 2, FeedForwardDim = 12, Dropout = 0.3 }.With(attention: AttentionKind.Full));
            return new([Leaf(1, B, N, 8), .. block.parameters()], x =>
            {
                var result = RecomputedBlockFunction.Apply(block, x[0], MixingContext.Unpadded);
                return [result.Output, result.AuxiliaryLoss];
            });
        },
        [typeof(ResidualNormFunction)] = () => new(
            [Leaf(1, B, N, D), Leaf(2, B, N, D), Leaf(3, D), Leaf(4, D)], x => [ResidualNormFunction.Apply(x[0], x[1], x[2], x[3], 1e-5)]),
        [typeof(ScaleGramFunction)] = () => new([Leaf(1, B, N, D), Leaf(2, B, N / 2, D)], x => [ScaleGramFunction.Apply(Scales, [N, N - 3], [S, S], x)]),
        [typeof(ScaleMixFunction)] = () => new(
            [Leaf(1, B, N, D), Leaf(2, B, N / 2, D), Leaf(3, B, N, S)], x => [ScaleMixFunction.Apply(Scales, [N, N - 3], [S, S], x[2], [x[0], x[1]])]),
        [typeof(SimplexFunction)] = ()
            => new([Leaf(1, ScalarType.Float64, B, N, S), Gram(2)], x => [SimplexFunction.Apply(x[0], x[1], new SimplexBatch(1, [N, N - 3], [S, S]))]),
        [typeof(TokenGramFunction)] = () => new([Leaf(1, B, N, D), Leaf(2, B, N, D)], x => [TokenGramFunction.Apply([.. Enumerable.Repeat(S, B * N)], x)]),
        [typeof(TreeAttentionFunction)] = () => new(
            [Leaf(1, B, N, 8), Leaf(2, B, N, 8), Leaf(3, B, N, 8)],
            x => [TreeAttentionFunction.Apply(x[0], x[1], x[2], [TokenHierarchy.Blocks(N, 3).Plan, null], 2, HierarchicalForm.Optimal)]),
        [typeof(WindowAttentionFunction)] = () => new(
            [Leaf(1, B, N, 16), Leaf(2, B, N, 8)], x => [WindowAttentionFunction.Apply(x[0], x[1], new WindowPlan(B, N, 2, 4, 4, Causal: false), [N, N - 3])]),
    };

    /// <summary>The functions that run on a CUDA device only; <c>./bench.sh device</c> calls them there.</summary>
    public static IReadOnlyList<Type> OnDevice { get; } =
    [
        typeof(CudaConvolutionFunction), typeof(CudaLinearFunction), typeof(CudaPyramidFunction), typeof(CudaResidualNormFunction),
        typeof(CudaRotationFunction), typeof(CudaScaleFunction), typeof(CudaTreeFunction), typeof(CudaWindowFunction),
    ];

    private static ScalePlan Scales => new(B, N, D, [1, 2], [N, N / 2]);

    public Tensor[] Inputs { get; } = inputs;

    public bool KeepsInputs { get; } = keepsInputs;

    /// <summary>Computes the outputs, with the same random numbers each time.</summary>
    public Tensor[] Run()
    {
        manual_seed(3);
        return run(Inputs);
    }

    /// <summary>Returns the gradient of each input, or zeros if it has none, and clears it.</summary>
    public double[][] TakeGradients() => [.. Inputs.Select(input =>
    {
        using var gradient = input.grad;
        double[] values = gradient is null ? new double[input.numel()] : TestTensors.ToArray(gradient);
        input.grad = null;
        return values;
    })];

    public void Dispose()
    {
        foreach (var input in Inputs)
            input.Dispose();
    }

    private static Tensor Leaf(int seed, params long[] shape) => Leaf(seed, ScalarType.Float32, shape);

    private static Tensor Leaf(int seed, ScalarType type, params long[] shape)
    {
        using var scope = NewDisposeScope();
        return TestTensors.Random(seed, shape).to(type).MoveToOuterDisposeScope().requires_grad_();
    }

    private static Tensor Gram(int seed)
    {
        using var scope = NewDisposeScope();
        var rows = TestTensors.Random(seed, B, S, D);
        return rows.bmm(rows.transpose(1, 2)).MoveToOuterDisposeScope().requires_grad_();
    }
}
