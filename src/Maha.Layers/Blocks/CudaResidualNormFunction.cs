using Maha.Layers.Core;
using Maha.Layers.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Blocks;

// D width, R rows, P blocks of the grid

/// <summary>
/// The autograd function of <c>residual_norm.cu</c>: LayerNorm(x + residual) on a CUDA device, one launch forward and two backward. Arguments: x and residual
/// [..., D], weight and bias [D], epsilon.
/// </summary>
internal sealed class CudaResidualNormFunction : SingleOutputFunction<CudaResidualNormFunction>
{
    private const string Source = "residual_norm.cu";

    // A warp holds a row in registers.
    private const int MaxWidth = 1024;
    private const int WarpThreads = 32;
    private const int RowsPerBlock = 4;
    private const int ParameterThreads = 512;

    // More blocks than run at once would only make more partial sums of the parameters' gradients.
    private const int BlocksPerMultiprocessor = 4;

    // Below, a custom function costs the processor more than the launches it saves.
    private const long MinElementsWithGradient = 1 << 22;

    /// <summary>Returns LayerNorm(x + residual); null where the kernels can't be used or torch's operators are faster.</summary>
    public static Tensor? TryApply(Tensor x, Tensor residual, LayerNorm norm)
    {
        if (!CudaKernels.CanUse(x) || norm.weight is not { } weight || norm.bias is not { } bias)
            return null;
        bool differentiable = GradientNeed.Of(x, residual, weight, bias);
        if ((differentiable && x.numel() < MinElementsWithGradient) || !IsSupported(x, residual, weight, bias))
            return null;
        using var scope = NewDisposeScope();
        var (first, second) = (x.contiguous(), residual.contiguous());
        if (!CudaElements.IsAligned(first) || !CudaElements.IsAligned(second) || !CudaElements.IsAligned(weight) || !CudaElements.IsAligned(bias)
            || TryGetModule(first, weight) is not { } module)
        {
            return null;
        }
        var output = differentiable
            ? CallSingle(first, second, weight, bias, norm.eps)
            : Run(module, first, second, weight, bias, norm.eps, null, null);
        return output.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        var (x, residual, weight, bias) = ((Tensor)arguments[0], (Tensor)arguments[1], (Tensor)arguments[2], (Tensor)arguments[3]);
        var sum = empty_like(x);
        var statistics = empty([Rows(x, weight), 2], ScalarType.Float32, x.device);
        var output = Run(Module(x, weight), x, residual, weight, bias, (double)arguments[4], sum, statistics);
        ctx.save_for_backward([sum, statistics, weight]);
        return output;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var saved = ctx.get_saved_variables();
        var (sum, statistics, weight) = (saved[0], saved[1], saved[2]);
        var upstream = gradient.contiguous();
        if (!CudaElements.IsAligned(upstream))
            upstream = upstream.clone();
        var module = Module(sum, weight);
        long rows = Rows(sum, weight);
        int width = (int)weight.numel();
        int blocks = (int)Math.Min(Blocks(rows), module.Device.Multiprocessors * BlocksPerMultiprocessor);
        var inputGradient = empty_like(sum);
        var partial = empty([blocks, 2, width], ScalarType.Float32, sum.device);
        var (weightGradient, biasGradient) = (empty_like(weight), empty_like(weight));
        module.GetFunction("residual_norm_backward").Launch(
            blocks, 1, 1, RowsPerBlock * WarpThreads, 0, upstream, sum, statistics, weight, inputGradient, partial, rows);
        module.GetFunction("residual_norm_parameters").Launch(
            ((2 * width) + WarpThreads - 1) / WarpThreads, 1, 1, ParameterThreads, 0, partial, weightGradient, biasGradient, blocks);
        return [inputGradient, inputGradient, weightGradient, biasGradient, null];
    }

    private static bool IsSupported(Tensor x, Tensor residual, Tensor weight, Tensor bias)
    {
        var type = x.dtype;
        long width = weight.numel();
        return CudaElements.IsSupported(type) && residual.dtype == type && weight.dtype == type && bias.dtype == type
            && width <= MaxWidth && CudaElements.HasWholeVectors(width, type);
    }

    private static Tensor Run(
        CudaModule module, Tensor x, Tensor residual, Tensor weight, Tensor bias, double epsilon, Tensor? sum, Tensor? statistics)
    {
        var output = empty_like(x);
        long rows = Rows(x, weight);
        module.GetFunction("residual_norm_forward").Launch(
            (int)Blocks(rows), 1, 1, RowsPerBlock * WarpThreads, 0, x, residual, weight, bias, output, sum, statistics, rows, (float)epsilon);
        return output;
    }

    private static CudaModule? TryGetModule(Tensor x, Tensor weight) => CudaKernels.TryGetModule(x, Source, Options(x, weight));

    private static CudaModule Module(Tensor x, Tensor weight) => CudaModule.Get(Source, Options(x, weight), x.device_index);

    private static string Options(Tensor x, Tensor weight) => CudaElements.Options(x.dtype, "WIDTH", (int)weight.numel());

    private static long Rows(Tensor x, Tensor weight) => x.numel() / weight.numel();

    private static long Blocks(long rows) => (rows + RowsPerBlock - 1) / RowsPerBlock;
}
