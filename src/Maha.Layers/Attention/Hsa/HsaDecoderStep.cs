using System.Numerics;
using Maha.Layers.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, D width, H heads, K head dim

/// <summary>
/// One decoding step of a causal hierarchical layer on the CPU, without tensors between projections, rotation, attention and output projection.
/// </summary>
internal static unsafe class HsaDecoderStep
{
    /// <summary>Computes the layer's output for one token per sequence.</summary>
    /// <param name="hidden">[B, 1, D], float32 or float64 on the CPU.</param>
    /// <param name="projections">W_Q, W_K, W_V, W_O.</param>
    /// <param name="numHeads">H.</param>
    /// <param name="rotary">Whether queries and keys are rotated by their positions.</param>
    /// <param name="state">The cache, to which the token is appended.</param>
    /// <returns>[B, 1, D].</returns>
    public static Tensor Apply(Tensor hidden, ReadOnlySpan<Linear> projections, int numHeads, bool rotary, HsaDecoderState state) =>
        hidden.dtype == ScalarType.Float32
            ? Apply<float>(hidden, projections, numHeads, rotary, state)
            : Apply<double>(hidden, projections, numHeads, rotary, state);

    private static Tensor Apply<T>(Tensor hidden, ReadOnlySpan<Linear> projections, int numHeads, bool rotary, HsaDecoderState state)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        using var scope = NewDisposeScope();
        int batch = (int)hidden.shape[0], width = (int)hidden.shape[2], headDim = width / numHeads;
        var input = hidden.contiguous();
        var output = empty([batch, 1, width], hidden.dtype);
        long rows = (long)batch * width;
        var memory = KernelScratch.GetShared<T>(4 * rows);
        var x = TensorMemory.Pointer<T>(input);
        for (int i = 0; i < 3; i++)
            Project(projections[i], batch, width, x, memory + (i * rows));
        if (rotary)
            RotaryPositions.RotateToken(state.Position, headDim, memory, 2 * batch * numHeads);
        var attended = memory + (3 * rows);
        state.Step(memory, memory + rows, memory + (2 * rows), batch * numHeads, headDim, hidden.dtype, attended);
        Project(projections[3], batch, width, attended, TensorMemory.Pointer<T>(output));
        GC.KeepAlive(input);
        return output.MoveToOuterDisposeScope();
    }

    private static void Project<T>(Linear layer, int batch, int width, T* x, T* y)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        // The layer's own tensors: disposing them would destroy the model.
        var (weight, bias) = (layer.weight!, layer.bias!);
        for (int row = 0; row < batch; row++)
        {
            long offset = (long)row * width;
            TokenProjection.Apply(width, width, TensorMemory.Pointer<T>(weight), TensorMemory.Pointer<T>(bias), x + offset, y + offset);
        }
        GC.KeepAlive(layer);
    }
}
