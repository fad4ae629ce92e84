using System.Numerics;
using System.Runtime.CompilerServices;
using Maha.Layers.Kernels;

namespace Maha.Layers.Attention;

// B batch, N tokens, D width, k kernel size

/// <summary>
/// The geometry of a depthwise convolution over tokens: output j reads inputs j * Stride + Offset + t * Dilation for taps t in [0, KernelSize).
/// </summary>
/// <remarks>
/// Offset -Dilation * (k / 2) is the centered form; Stride - 1 - Dilation * (k - 1) is the causal form, whose last tap is the last token of its stride cell.
/// </remarks>
internal readonly record struct ConvolutionPlan(
    int Batch, int InputLength, int OutputLength, int Width, int KernelSize, int Stride, int Dilation, int Offset, bool Relu);

/// <summary>Depthwise convolution on [B, N, D] rows with masks by length: reads no token past a document's end and writes 0 there.</summary>
/// <remarks>
/// Token rows are not transposed to [B, D, N], so each tap is one pass over a row: O(k N D) work, no temporary memory.
/// The tests compare it with a plain double loop.
/// </remarks>
internal static unsafe class DepthwiseConvolutionKernel
{
    // The channels of one piece of work: whole cache lines, and enough pieces for a few threads at batch size 1.
    private const int ChannelsPerPiece = 128;

    /// <summary>
    /// Computes output[b, j, :] = bias + sum over taps of weight[t, :] * input[b, index, :], optionally through ReLU. weight is [k, D], bias [D].
    /// </summary>
    public static void Forward<T>(ConvolutionPlan plan, int[] inputLengths, int[] outputLengths, T* input, T* weight, T* bias, T* output, int threads)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int parts = (plan.Width + ChannelsPerPiece - 1) / ChannelsPerPiece;
        KernelThreads.For(plan.Batch * parts, threads, piece =>
        {
            int document = piece / parts, channel = piece % parts * ChannelsPerPiece;
            ForwardPiece(plan, document, channel, inputLengths[document], outputLengths[document], input, weight, bias, output);
        });
    }

    /// <summary>
    /// Computes the gradients of input, weight [k, D] and bias [D]. output is needed for ReLU only. inputGradient is overwritten, the other two are added to.
    /// </summary>
    public static void Backward<T>(
        ConvolutionPlan plan, int[] inputLengths, int[] outputLengths, T* input, T* weight, T* output, T* outputGradient,
        T* inputGradient, T* weightGradient, T* biasGradient, int threads)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int parts = (plan.Width + ChannelsPerPiece - 1) / ChannelsPerPiece;

        // A piece covers one channel range of all documents, so that the sum over documents needs no reduction and has one order.
        KernelThreads.For(parts, threads, part => BackwardPiece(
            plan, part * ChannelsPerPiece, inputLengths, outputLengths, input, weight, output, outputGradient, inputGradient, weightGradient, biasGradient));
    }

    // Kernel bodies are compiled with optimization at once: in the runtime's first tier they would run many times slower until they are recompiled.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ForwardPiece<T>(
        ConvolutionPlan plan, int document, int channel, int inputLength, int outputLength, T* input, T* weight, T* bias, T* output)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int count = Math.Min(ChannelsPerPiece, plan.Width - channel);
        var x = input + ((long)document * plan.InputLength * plan.Width) + channel;
        var y = output + ((long)document * plan.OutputLength * plan.Width) + channel;
        for (int j = 0; j < plan.OutputLength; j++, y += plan.Width)
        {
            if (j >= outputLength)
            {
                RowMath.Clear(y, count);
                continue;
            }

            // All taps of a few channels are kept in registers; at a document's ends the taps inside the document are added one by one.
            long first = ((long)j * plan.Stride) + plan.Offset;
            int done = plan.KernelSize == 3 && first >= 0 && first + (2L * plan.Dilation) < inputLength
                ? ThreeTaps(weight + channel, plan.Width, bias + channel, x + (first * plan.Width), (nint)plan.Dilation * plan.Width, plan.Relu, y, count)
                : 0;
            if (done == count)
                continue;
            new ReadOnlySpan<T>(bias + channel + done, count - done).CopyTo(new Span<T>(y + done, count - done));
            for (int t = 0; t < plan.KernelSize; t++)
            {
                long token = first + ((long)t * plan.Dilation);
                if (token >= 0 && token < inputLength)
                    AddProduct(weight + ((long)t * plan.Width) + channel + done, x + (token * plan.Width) + done, y + done, count - done);
            }
            if (plan.Relu)
                Relu(y + done, count - done);
        }
    }

    // Computes y = bias + the sum of three taps, optionally through ReLU, for whole vectors of channels, and returns their number of channels.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int ThreeTaps<T>(T* weight, nint weightRow, T* bias, T* x, nint xRow, bool relu, T* y, int count)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int k = 0;
        var second = x + xRow;
        var third = second + xRow;
        var floor = relu ? Vector<T>.Zero : new Vector<T>(T.NegativeInfinity);
        for (; k + Vector<T>.Count <= count; k += Vector<T>.Count)
        {
            var sum = (Vector.Load(weight + k) * Vector.Load(x + k)) + Vector.Load(bias + k);
            sum = (Vector.Load(weight + weightRow + k) * Vector.Load(second + k)) + sum;
            sum = (Vector.Load(weight + (2 * weightRow) + k) * Vector.Load(third + k)) + sum;
            Vector.Max(sum, floor).Store(y + k);
        }
        return k;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BackwardPiece<T>(
        ConvolutionPlan plan, int channel, int[] inputLengths, int[] outputLengths, T* input, T* weight, T* output, T* outputGradient,
        T* inputGradient, T* weightGradient, T* biasGradient)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int count = Math.Min(ChannelsPerPiece, plan.Width - channel);
        var gradient = stackalloc T[ChannelsPerPiece];
        for (int document = 0; document < plan.Batch; document++)
        {
            var x = input + ((long)document * plan.InputLength * plan.Width) + channel;
            var dx = inputGradient + ((long)document * plan.InputLength * plan.Width) + channel;
            for (int i = 0; i < plan.InputLength; i++)
                RowMath.Clear(dx + ((long)i * plan.Width), count);

            for (int j = 0; j < outputLengths[document]; j++)
            {
                long row = (((long)document * plan.OutputLength) + j) * plan.Width + channel;
                if (plan.Relu)
                    SelectPositive(output + row, outputGradient + row, gradient, count);
                else
                    new ReadOnlySpan<T>(outputGradient + row, count).CopyTo(new Span<T>(gradient, count));
                RowMath.AddScaled(T.One, gradient, biasGradient + channel, count);
                for (int t = 0; t < plan.KernelSize; t++)
                {
                    long token = ((long)j * plan.Stride) + plan.Offset + ((long)t * plan.Dilation);
                    if (token >= 0 && token < inputLengths[document])
                    {
                        AddProduct(weight + ((long)t * plan.Width) + channel, gradient, dx + (token * plan.Width), count);
                        AddProduct(x + (token * plan.Width), gradient, weightGradient + ((long)t * plan.Width) + channel, count);
                    }
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProduct<T>(T* x, T* y, T* sum, int count)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int k = 0;
        for (; k + Vector<T>.Count <= count; k += Vector<T>.Count)
            ((Vector.Load(x + k) * Vector.Load(y + k)) + Vector.Load(sum + k)).Store(sum + k);
        for (; k < count; k++)
            sum[k] += x[k] * y[k];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Relu<T>(T* x, int count)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int k = 0;
        for (; k + Vector<T>.Count <= count; k += Vector<T>.Count)
            Vector.Max(Vector.Load(x + k), Vector<T>.Zero).Store(x + k);
        for (; k < count; k++)
            x[k] = T.Max(x[k], T.Zero);
    }

    // The gradient where the value passed the ReLU, else 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SelectPositive<T>(T* output, T* gradient, T* result, int count)
        where T : unmanaged, IFloatingPointIeee754<T>
    {
        int k = 0;
        for (; k + Vector<T>.Count <= count; k += Vector<T>.Count)
        {
            var passes = Vector.GreaterThan(Vector.Load(output + k), Vector<T>.Zero);
            Vector.ConditionalSelect(passes, Vector.Load(gradient + k), Vector<T>.Zero).Store(result + k);
        }
        for (; k < count; k++)
            result[k] = output[k] > T.Zero ? gradient[k] : T.Zero;
    }
}
