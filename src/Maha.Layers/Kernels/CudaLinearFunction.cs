using Maha.Layers.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Kernels;

// R rows, D input width, F output width

/// <summary>
/// The autograd function of a linear layer on a CUDA device for many rows: torch's products, and <c>column_sum.cu</c> for the gradient of the bias, which
/// torch sums several times slower. Arguments: rows [R, D], weight [F, D], bias [F].
/// </summary>
internal sealed class CudaLinearFunction : SingleOutputFunction<CudaLinearFunction>
{
    private const string Source = "column_sum.cu";
    private const int WarpThreads = 32;
    private const int BlockThreads = 256;
    private const int RowsPerStep = 8;

    // Enough blocks to fill a device, and few enough that the partial sums are short.
    private const int MaxParts = 64;

    // Below, a custom function costs the processor more than it saves the device.
    private const long MinOutputs = 1 << 22;

    /// <summary>Returns rows W^T + bias; null where the kernel can't be used or no faster.</summary>
    public static Tensor? TryApply(Tensor rows, Tensor weight, Tensor bias)
    {
        long width = weight.shape[0];
        bool applies = is_grad_enabled() && bias.requires_grad && rows.shape[0] * width >= MinOutputs && CudaKernels.CanUse(rows)
            && CudaElements.IsSupported(rows.dtype) && CudaElements.HasWholeVectors(width, rows.dtype) && weight.dtype == rows.dtype && bias.dtype == rows.dtype
            && CudaKernels.TryGetModule(rows, Source, CudaElements.Options(rows.dtype)) is not null;
        return applies ? CallContiguous(rows, weight, bias) : null;
    }

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        var (rows, weight, bias) = ((Tensor)arguments[0], (Tensor)arguments[1], (Tensor)arguments[2]);
        ctx.save_for_backward([rows, weight]);
        return nn.functional.linear(rows, weight, bias);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var saved = ctx.get_saved_variables();
        var (rows, weight) = (saved[0], saved[1]);
        var upstream = gradient.contiguous();
        if (!CudaElements.IsAligned(upstream))
            upstream = upstream.clone();
        return [upstream.CheckedMatmul(weight), upstream.t().CheckedMatmul(rows), ColumnSum(upstream)];
    }

    /// <summary>Returns the sums of the columns of a contiguous, aligned matrix [R, F] whose rows consist of whole vectors.</summary>
    internal static Tensor ColumnSum(Tensor matrix)
    {
        long rows = matrix.shape[0];
        int width = (int)matrix.shape[1], columnsPerBlock = WarpThreads * CudaElements.VectorBytes / (int)matrix.element_size();
        int parts = (int)Math.Min(MaxParts, (rows + RowsPerStep - 1) / RowsPerStep);
        using var partial = empty([parts, width], ScalarType.Float32, matrix.device);
        var sums = empty([width], matrix.dtype, matrix.device);
        var module = CudaModule.Get(Source, CudaElements.Options(matrix.dtype), matrix.device_index);
        module.GetFunction("column_sum").Launch(
            (width + columnsPerBlock - 1) / columnsPerBlock, parts, 1, BlockThreads, 0, matrix, partial, rows, width);
        module.GetFunction("column_sum_parts").Launch((width + WarpThreads - 1) / WarpThreads, 1, 1, BlockThreads, 0, partial, sums, parts, width);
        return sums;
    }
}
