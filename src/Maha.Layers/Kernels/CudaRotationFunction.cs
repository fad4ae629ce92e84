using Maha.Layers.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Kernels;

// B batch, N length, K head dim

/// <summary>
/// The autograd function of <c>rotary.cu</c>: rotary positions on a CUDA device in one launch. The gradient is turned back by the same angles. Arguments: rows
/// [B, N, heads * K], heads, cell, start.
/// </summary>
internal sealed class CudaRotationFunction : SingleOutputFunction<CudaRotationFunction>
{
    private const string Source = "rotary.cu";
    private const string ShapeKey = "shape";
    private const int BlockThreads = 256;

    /// <summary>Rotates as <see cref="RotaryPositions.Rotate"/>; null where the kernel can't be used.</summary>
    public static Tensor? TryApply(Tensor rows, int numHeads, long cell, long start)
    {
        if (!CudaKernels.CanUse(rows) || !CudaElements.IsSupported(rows.dtype)
            || CudaKernels.TryGetModule(rows, Source, CudaElements.Options(rows.dtype)) is null)
        {
            return null;
        }
        using var scope = NewDisposeScope();
        var contiguous = rows.contiguous();
        var shape = new Shape((int)contiguous.shape[1], numHeads, cell, start);
        return (is_grad_enabled() && rows.requires_grad ? CallSingle(contiguous, shape) : Run(contiguous, shape, 1)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        ctx.save_data(ShapeKey, arguments[1]);
        return Run((Tensor)arguments[0], (Shape)arguments[1], 1);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient) =>
        [Run(gradient.contiguous(), (Shape)ctx.get_data(ShapeKey), -1), null];

    private static Tensor Run(Tensor rows, Shape shape, float sign)
    {
        var output = empty_like(rows);
        long width = rows.shape[2], count = rows.numel() / width, headDim = width / shape.Heads, threads = count * ((headDim + 1) / 2);
        CudaModule.Get(Source, CudaElements.Options(rows.dtype), rows.device_index).GetFunction("rotate").Launch(
            (int)((threads + BlockThreads - 1) / BlockThreads), 1, 1, BlockThreads, 0,
            rows, output, count, shape.Length, shape.Heads, (int)headDim, (double)shape.Start, (double)shape.Cell, (shape.Cell - 1) / 2.0, sign);
        return output;
    }

    private sealed record Shape(int Length, int Heads, long Cell, long Start);
}
