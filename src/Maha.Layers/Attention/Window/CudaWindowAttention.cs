using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, S scales, H heads, K head dim, D = H * K, g global keys

/// <summary>
/// Windowed attention of several scales by the kernels of <c>window_forward.cu</c> and <c>window_backward.cu</c>: one launch forward, two backward.
/// </summary>
/// <param name="kernels">The kernels for the operands' element type and K.</param>
/// <param name="plans">The geometry of each scale. All but lengths and windows is the same for all scales.</param>
/// <param name="validLengths">Valid tokens per scale and document.</param>
internal sealed class CudaWindowAttention(WindowKernels kernels, WindowPlan[] plans, int[][] validLengths)
{
    private const int VectorBytes = 16;

    // Queries whose gradients of the global keys one block of threads adds up.
    private const int ChunkRows = 1024;

    // Numbers of rows and their products with small factors are 32 bits wide in the kernels.
    private const int MaxLength = 1 << 28;

    private int Heads => plans[0].Heads;

    private int Width => plans[0].Heads * plans[0].HeadDim;

    private int Batch => plans[0].Batch;

    /// <summary>Returns the attention of some scales; null where the kernels can't compute it or can't be used.</summary>
    public static CudaWindowAttention? TryCreate(IReadOnlyList<WindowOperands> scales)
    {
        var type = scales[0].Values.dtype;
        WindowPlan[] plans = [.. scales.Select(scale => scale.Plan)];
        if (!IsSupported(plans) || scales.Any(scale => scale.QueriesAndKeys.dtype != type || scale.Values.dtype != type)
            || WindowKernels.For(scales[0].Values, plans[0].HeadDim) is not { } kernels)
        {
            return null;
        }
        return new CudaWindowAttention(kernels, plans, [.. scales.Select(scale => scale.ValidLengths)]);
    }

    /// <summary>Whether one call computes scales of these shapes.</summary>
    internal static bool IsSupported(IReadOnlyList<WindowPlan> plans)
    {
        var first = plans[0];
        return plans.Count <= WindowCall.MaxScales && (plans.Count == 1 || first.GlobalKeys == 0) && (first.Window > 0 || !first.Band)
            && plans.All(plan => plan.Length <= MaxLength
                && (plan with { Length = first.Length, Window = first.Window }) == first && plan.Window > 0 == first.Window > 0);
    }

    /// <summary>Returns an operand that the kernels can read: rows at the same distance, at addresses divisible by 16 bytes.</summary>
    public Tensor Readable(Tensor operand) => IsReadable(operand) ? operand : Dense(operand);

    /// <summary>Computes the attention.</summary>
    /// <param name="operands">The readable queries and keys of each scale [B, N, 2D], then the values of each scale [B, N, D].</param>
    /// <returns>The outputs [B, N, D], and the log-sum-exps for the backward pass.</returns>
    public (Tensor[] Outputs, Tensor State) Forward(Tensor[] operands)
    {
        var device = operands[0].device;
        Tensor[] outputs = [.. plans.Select((plan, scale) => Empty(operands[scale], plan, Width))];
        var state = Memory(RowScalars(plans.Length), device);
        var table = LengthTable(device);
        var call = NewCall(operands, outputs, state, table);
        Launch(false, "window_forward", Tasks(), kernels.Tiles.ForwardSharedBytes, ref call);
        GC.KeepAlive(table);
        return (outputs, state);
    }

    /// <summary>Computes the gradients of the operands.</summary>
    /// <param name="operands">As for <see cref="Forward"/>.</param>
    /// <param name="outputs">What <see cref="Forward"/> returned.</param>
    /// <param name="state">What <see cref="Forward"/> returned.</param>
    /// <param name="gradients">The gradient of each output; null for one of zeros.</param>
    /// <returns>The gradients in the order of the operands.</returns>
    public Tensor[] Backward(Tensor[] operands, Tensor[] outputs, Tensor state, IReadOnlyList<Tensor?> gradients)
    {
        using var scope = NewDisposeScope();
        var device = operands[0].device;
        int count = plans.Length;
        var table = LengthTable(device);
        var call = NewCall(operands, outputs, state, table);
        Tensor[] upstream = [.. gradients.Select((gradient, scale) => gradient is null ? zeros_like(outputs[scale]) : Readable(gradient))];
        Tensor[] results = [.. Enumerable.Range(0, 2 * count).Select(i => Empty(operands[i], plans[i % count], i < count ? 2 * Width : Width))];

        // D of every row, the parts of the gradients of global keys, and the counters of those.
        int headCount = Batch * Heads, globalTiles = (call.GlobalKeys + WindowTiles.BlockRows - 1) / WindowTiles.BlockRows;
        long partials = RowScalars(count), arrived = partials + ((long)headCount * call.Chunks * 2 * call.GlobalKeys * kernels.Tiles.HeadDim);
        var scratch = Memory(arrived + ((long)headCount * globalTiles), device);
        nint memory = kernels.AddressOf(scratch);
        (call.Partials, call.Arrived) = (memory + Bytes(partials), memory + Bytes(arrived));
        for (int i = 0; i < count; i++)
        {
            ref var scale = ref call.Scales[i];
            (scale.Gradient, scale.GradientStride) = (kernels.AddressOf(upstream[i]), (int)upstream[i].stride(1));
            (scale.QueryGradient, scale.ValueGradient) = (kernels.AddressOf(results[i]), kernels.AddressOf(results[count + i]));
            scale.RowDots = memory + Bytes(RowScalars(i));
        }
        int sharedBytes = kernels.Tiles.BackwardSharedBytes;
        Launch(true, "window_query_gradients", Tasks(), sharedBytes, ref call);
        Launch(true, "window_key_gradients", Tasks() + ((long)globalTiles * call.Chunks * headCount), sharedBytes, ref call);
        GC.KeepAlive(upstream);
        GC.KeepAlive(scratch);
        GC.KeepAlive(table);
        scope.MoveToOuter(results);
        return results;
    }

    private static nint Bytes(long floats) => (nint)(floats * sizeof(float));

    private static Tensor Empty(Tensor like, WindowPlan plan, int width) => empty([plan.Batch, plan.Length, width], like.dtype, like.device);

    private static Tensor Memory(long floats, Device device) => empty(Math.Max(1, floats), ScalarType.Float32, device);

    private Tensor Dense(Tensor tensor)
    {
        var dense = tensor.contiguous();
        return kernels.AddressOf(dense) % VectorBytes == 0 ? dense : dense.clone();
    }

    private bool IsReadable(Tensor operand)
    {
        long[] shape = operand.shape, strides = operand.stride();
        return strides[2] == 1 && strides[1] >= shape[2] && strides[1] <= int.MaxValue && (shape[0] == 1 || strides[0] == shape[1] * strides[1])
            && strides[1] * kernels.Tiles.ElementSize % VectorBytes == 0 && kernels.AddressOf(operand) % VectorBytes == 0;
    }

    // The number of floats [B, H, N] of the scales before one, each rounded up to whole vectors.
    private long RowScalars(int scale) => plans.Take(scale).Sum(plan => ((long)Batch * Heads * plan.Length + 3) / 4 * 4);

    // Blocks of threads over all scales.
    private long Tasks() => plans.Sum(plan => (long)Batch * Heads * ((plan.Length + WindowTiles.BlockRows - 1) / WindowTiles.BlockRows));

    private Tensor? LengthTable(Device device) =>
        plans.Length * Batch > WindowCall.MaxLengths ? tensor([.. validLengths.SelectMany(lengths => lengths)], ScalarType.Int32, device) : null;

    private void Launch(bool isBackward, string name, long blocks, int sharedBytes, ref WindowCall call)
    {
        if (blocks > 0)
            kernels.Launch(isBackward, name, blocks, sharedBytes, ref call);
    }

    private WindowCall NewCall(Tensor[] operands, Tensor[] outputs, Tensor state, Tensor? table)
    {
        int globalKeys = Math.Min(plans[0].GlobalKeys, plans[0].Length);
        var call = new WindowCall
        {
            LengthTable = table is null ? 0 : kernels.AddressOf(table),
            ScaleCount = plans.Length,
            Batch = Batch,
            Heads = Heads,
            GlobalKeys = globalKeys,
            ChunkRows = ChunkRows,
            Chunks = globalKeys > 0 ? (plans[0].Length + ChunkRows - 1) / ChunkRows : 0,
            Band = plans[0].Band ? 1 : 0,
            Causal = plans[0].Causal ? 1 : 0,
            Scale = (float)(1 / Math.Sqrt(kernels.Tiles.HeadDim)),
        };
        nint memory = kernels.AddressOf(state);
        for (int i = 0; i < plans.Length; i++)
        {
            var (packed, values) = (operands[i], operands[plans.Length + i]);
            nint query = kernels.AddressOf(packed);
            call.Scales[i] = new WindowScale
            {
                Query = query,
                Key = query + (Width * kernels.Tiles.ElementSize),
                Value = kernels.AddressOf(values),
                Output = kernels.AddressOf(outputs[i]),
                LogSums = memory + Bytes(RowScalars(i)),
                QueryStride = (int)packed.stride(1),
                ValueStride = (int)values.stride(1),
                Length = plans[i].Length,
                Window = plans[i].BlockLength,
            };
            if (table is null)
                validLengths[i].CopyTo(call.Lengths[(i * Batch)..]);
        }
        return call;
    }
}
