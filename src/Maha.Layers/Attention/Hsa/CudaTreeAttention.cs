using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, H heads, K head dim, D = H * K, n nodes above the tokens

/// <summary>Hierarchical attention by the kernels of <c>hsa_forward.cu</c> and <c>hsa_backward.cu</c>.</summary>
/// <param name="kernels">The kernels for the operands' element type and K.</param>
/// <param name="forest">The trees.</param>
/// <param name="numHeads">H.</param>
/// <param name="settings">The form, the scale of the logits, and whether a token sees itself.</param>
internal sealed class CudaTreeAttention(TreeKernels kernels, CudaForest forest, int numHeads, HierarchicalSettings settings)
{
    private const int VectorBytes = 16;

    private bool IsOptimal => settings.Form == HierarchicalForm.Optimal;

    /// <summary>Returns operands that the kernels can read: rows of D elements with the same distance, at addresses divisible by 16 bytes.</summary>
    public TreeOperands Readable(TreeOperands operands)
    {
        long stride = operands.First.stride(1);
        return operands.Tensors.All(tensor => IsReadable(tensor, stride)) ? operands : new TreeOperands([.. operands.Tensors.Select(Dense)]);
    }

    /// <summary>Computes the attention of readable operands.</summary>
    /// <param name="operands">Query, key and value.</param>
    /// <param name="keepsMixed">Whether a backward pass follows.</param>
    /// <returns>The output [B, N, D], and for the backward pass the values before ancestors are added, and the nodes.</returns>
    public (Tensor Output, Tensor Mixed, Tensor State) Forward(TreeOperands operands, bool keepsMixed)
    {
        var (first, width) = (operands.First, operands.Width);
        long batch = first.shape[0];
        var output = Empty(first, width);
        var call = NewCall(operands);
        bool isDeep = call.NodeCount > call.LeafNodeCount;

        // In the key-tied forms and in trees of one level nothing is added to the mixed values.
        var mixed = IsOptimal && isDeep && keepsMixed ? Empty(first, width) : output;
        long elementSize = first.element_size();
        var state = Memory(TreeMemory.PlaceState(ref call, width, elementSize, 0), first.device);
        TreeMemory.PlaceState(ref call, width, elementSize, kernels.AddressOf(state));
        (call.Output, call.Mixed) = (kernels.AddressOf(output), kernels.AddressOf(mixed));
        if (IsOptimal)
        {
            kernels.LaunchWarps(false, "hsa_leaf", call.TileCount, ref call);
            if (isDeep)
            {
                kernels.Launch(false, "hsa_pool", UpperBlocks(call), TreeKernels.PoolThreads, ref call);
                kernels.LaunchWarps(false, "hsa_siblings", call.FamilyCount, ref call);
                kernels.Launch(false, "hsa_masses", batch * numHeads, TreeKernels.ScalarThreads, ref call);
                kernels.LaunchWarps(false, "hsa_ancestors", call.TileCount, ref call);
            }
        }
        else
        {
            if (isDeep)
            {
                kernels.LaunchWarps(false, "hsa_leaf_means", call.LeafNodeCount, ref call);
                kernels.Launch(false, "hsa_pool", UpperBlocks(call), TreeKernels.PoolThreads, ref call);
            }
            kernels.LaunchWarps(false, "hsa_tied", call.TileCount, ref call);
        }
        GC.KeepAlive(forest);
        return (output, mixed, state);
    }

    /// <summary>Computes the gradients of query, key and value from what <see cref="Forward"/> read and returned.</summary>
    public TreeOperands Backward(TreeOperands operands, Tensor mixed, Tensor state, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        var (first, width) = (operands.First, operands.Width);
        long batch = first.shape[0];
        var upstream = Dense(gradient);
        var call = NewCall(operands);
        bool isDeep = call.NodeCount > call.LeafNodeCount;
        TreeMemory.PlaceState(ref call, width, first.element_size(), kernels.AddressOf(state));
        var scratch = Memory(TreeMemory.PlaceGradients(ref call, width, 0), first.device);
        TreeMemory.PlaceGradients(ref call, width, kernels.AddressOf(scratch));
        var gradients = new TreeOperands([.. operands.Tensors.Select(operand => Empty(operand, operand.shape[2]))]);
        call.Gradient = kernels.AddressOf(upstream);
        (call.Output, call.Mixed) = (kernels.AddressOf(mixed), kernels.AddressOf(mixed));
        (call.QueryGradient, call.KeyGradient, call.ValueGradient) = Addresses(gradients);
        call.GradientStride = gradients.First.shape[2];

        kernels.LaunchWarps(true, "hsa_row_dots", call.TileCount, ref call);
        if (IsOptimal)
        {
            if (isDeep)
            {
                kernels.Launch(true, "hsa_pool_gradients", UpperBlocks(call), TreeKernels.PoolThreads, ref call);
                kernels.Launch(true, "hsa_shifts", batch * numHeads, TreeKernels.ScalarThreads, ref call);
                kernels.LaunchWarps(true, "hsa_sibling_gradients", call.FamilyCount, ref call);
            }
            kernels.LaunchWarps(true, "hsa_leaf_gradients", call.TileCount, ref call);
        }
        else
        {
            if (isDeep)
            {
                kernels.LaunchWarps(true, "hsa_column_gradients", call.TaskCount, ref call);
                kernels.LaunchWarps(true, "hsa_add_columns", call.NodeCount, ref call);
            }
            kernels.LaunchWarps(true, "hsa_tied_gradients", call.TileCount, ref call);
        }
        GC.KeepAlive(upstream);
        GC.KeepAlive(scratch);
        GC.KeepAlive(forest);
        scope.MoveToOuter(gradients.Tensors);
        return gradients;
    }

    // The nodes above those of level 1: a block each.
    private static long UpperBlocks(in TreeCall call) => (long)(call.NodeCount - call.LeafNodeCount) * call.Heads;

    private static Tensor Empty(Tensor like, long width) => empty([like.shape[0], like.shape[1], width], like.dtype, like.device);

    private static Tensor Memory(long bytes, Device device) => empty(Math.Max(1, bytes / sizeof(float)), ScalarType.Float32, device);

    private Tensor Dense(Tensor tensor)
    {
        var dense = tensor.contiguous();
        return kernels.AddressOf(dense) % VectorBytes == 0 ? dense : dense.clone();
    }

    private bool IsReadable(Tensor operand, long stride)
    {
        long[] strides = operand.stride();
        return strides[2] == 1 && strides[1] == stride && (operand.shape[0] == 1 || strides[0] == operand.shape[1] * stride)
            && stride * operand.element_size() % VectorBytes == 0 && kernels.AddressOf(operand) % VectorBytes == 0;
    }

    private (nint Query, nint Key, nint Value) Addresses(TreeOperands operands)
    {
        nint first = kernels.AddressOf(operands.First), part = (nint)(operands.Width * operands.First.element_size());
        return operands.IsPacked
            ? (first, first + part, first + (2 * part))
            : (first, kernels.AddressOf(operands.Tensors[1]), kernels.AddressOf(operands.Tensors[2]));
    }

    private TreeCall NewCall(TreeOperands operands)
    {
        var call = forest.NewCall(kernels.AddressOf);
        (call.Query, call.Key, call.Value) = Addresses(operands);
        call.QueryStride = operands.First.stride(1);
        call.Heads = numHeads;
        call.SelfAttend = settings.SelfAttend ? 1 : 0;
        call.Scale = (float)settings.Scale;
        return call;
    }
}
