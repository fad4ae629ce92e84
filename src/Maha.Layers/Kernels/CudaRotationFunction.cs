using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Maha.Layers.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Kernels;

// B batch, N length, K head dim

/// <summary>
/// The autograd function of <c>rotary.cu</c>: rotary positions of several tensors on a CUDA device in one launch. The gradients are turned back by the same
/// angles. Arguments: the rows of every tensor [B, N, heads * K], then heads and positions.
/// </summary>
internal sealed unsafe class CudaRotationFunction : DifferentiableFunction<CudaRotationFunction>
{
    private const string Source = "rotary.cu";
    private const string PositionsKey = "positions";
    private const int BlockThreads = 256;

    /// <summary>Rotates as <see cref="RotaryPositions.RotateAll"/>; null where the kernel can't be used.</summary>
    public static Tensor[]? TryApply(IReadOnlyList<Tensor> rows, int numHeads, IReadOnlyList<long> cells, long start) =>
        TryApply(rows, new Positions(numHeads, numHeads, cells, start));

    /// <summary>Rotates the first heads of a tensor as <see cref="RotaryPositions.RotatePacked"/>; null where the kernel can't be used.</summary>
    public static Tensor? TryApply(Tensor rows, int numHeads, int turnedHeads, long start) =>
        TryApply([rows], new Positions(numHeads, turnedHeads, [1], start))?[0];

    private static Tensor[]? TryApply(IReadOnlyList<Tensor> rows, Positions positions)
    {
        if (!CudaKernels.CanUse(rows[0]) || rows.Count > RotationCall.MaxParts || !CudaElements.IsSupported(rows[0].dtype)
            || rows.Any(tensor => tensor.dtype != rows[0].dtype)
            || CudaKernels.TryGetModule(rows[0], Source, CudaElements.Options(rows[0].dtype)) is null)
        {
            return null;
        }
        using var scope = NewDisposeScope();
        Tensor[] contiguous = [.. rows.Select(tensor => tensor.contiguous())];
        var rotated = is_grad_enabled() && contiguous.Any(tensor => tensor.requires_grad)
            ? Call([.. contiguous, positions])
            : Run(contiguous, positions, 1);
        scope.MoveToOuter(rotated);
        return rotated;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor> Forward(AutogradContext ctx, object[] arguments)
    {
        ctx.save_data(PositionsKey, arguments[^1]);
        return Run([.. arguments.OfType<Tensor>()], (Positions)arguments[^1], 1);
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> Backward(AutogradContext ctx, IReadOnlyList<Tensor?> gradients)
    {
        var positions = (Positions)ctx.get_data(PositionsKey);
        int[] places = [.. Enumerable.Range(0, gradients.Count).Where(i => gradients[i] is not null)];
        var turned = Run(
            [.. places.Select(i => gradients[i]!.contiguous())], positions with { Cells = [.. places.Select(i => positions.Cells[i])] }, -1);
        var results = new Tensor?[gradients.Count + 1];
        for (int i = 0; i < places.Length; i++)
            results[places[i]] = turned[i];
        return results;
    }

    private static Tensor[] Run(Tensor[] rows, Positions positions, float sign)
    {
        Tensor[] outputs = [.. rows.Select(tensor => empty_like(tensor))];
        long headDim = rows[0].shape[2] / positions.Heads, threads = 0;
        var call = new RotationCall { Count = rows.Length, Heads = positions.Heads, TurnedHeads = positions.TurnedHeads, HeadDim = (int)headDim, Sign = sign };
        for (int i = 0; i < rows.Length; i++)
        {
            long[] shape = rows[i].shape;
            long cell = positions.Cells[i], count = shape[0] * shape[1];
            threads += count * ((headDim + 1) / 2);
            call.Parts[i] = new RotationPart
            {
                X = CudaArgument.Address(rows[i]),
                Y = CudaArgument.Address(outputs[i]),
                Rows = count,
                First = ((double)positions.Start * cell) + ((cell - 1) / 2.0),
                Cell = cell,
                Length = (int)shape[1],
            };
        }
        if (threads > 0)
        {
            CudaModule.Get(Source, CudaElements.Options(rows[0].dtype), rows[0].device_index).GetFunction("rotate").Launch(
                checked((int)((threads + BlockThreads - 1) / BlockThreads)), 1, 1, BlockThreads, 0, CudaArgument.Structure(&call));
        }
        GC.KeepAlive(rows);
        return outputs;
    }

    private sealed record Positions(int Heads, int TurnedHeads, IReadOnlyList<long> Cells, long Start);
}

/// <summary>A tensor of a <see cref="RotationCall"/>, of the layout and with the documentation of <c>RotationPart</c> in <c>rotary.cu</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RotationPart
{
    public nint X;
    public nint Y;
    public long Rows;
    public double First;
    public double Cell;
    public int Length;
    public int Unused;
}

/// <summary>The argument of the kernel of <c>rotary.cu</c>, of its layout.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RotationCall
{
    /// <summary>The most tensors of a call.</summary>
    public const int MaxParts = 12;

    public PartArray Parts;
    public int Count;
    public int Heads;
    public int TurnedHeads;
    public int HeadDim;
    public float Sign;

    [InlineArray(MaxParts)]
    public struct PartArray
    {
        private RotationPart _first;
    }
}
