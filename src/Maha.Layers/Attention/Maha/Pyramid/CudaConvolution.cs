using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N tokens, N' output length, D width

/// <summary>The depthwise convolutions of <c>convolution.cu</c> on a CUDA device, in float32 and bfloat16.</summary>
/// <remarks>The sums over tokens have one order for each shape, so that gradients have the same bits in every run.</remarks>
internal sealed class CudaConvolution
{
    /// <summary>The file name of the kernels.</summary>
    public const string Source = "convolution.cu";

    /// <summary>The number of taps.</summary>
    public const int Taps = 3;

    private const int Threads = 128;
    private const int SumThreads = 256;
    private const int WarpThreads = 32;
    private const int RowsPerThread = 4;

    // The rows whose gradients a thread sums: few where there are few rows, so that there are enough threads.
    private const int MinPartRows = 16;
    private const int MaxPartRows = 256;
    private const int WantedParts = 512;

    private readonly CudaLauncher _launcher;

    /// <summary>Creates the calls of loaded kernels.</summary>
    public CudaConvolution(CudaLauncher launcher)
    {
        _launcher = launcher;
    }

    /// <summary>Returns the kernels for an input and its weights; null where they can't be used.</summary>
    public static CudaConvolution? TryGet(Tensor input, Tensor weight, Tensor bias)
    {
        if (!CudaKernels.CanUse(input) || !CudaElements.IsSupported(input.dtype) || !CudaElements.HasWholeVectors(input.shape[2], input.dtype)
            || weight.dtype != input.dtype || bias.dtype != input.dtype || weight.shape[2] != Taps
            || !CudaElements.IsAligned(weight) || !CudaElements.IsAligned(bias))
        {
            return null;
        }
        return CudaLauncher.TryGet(input, Source, CudaElements.Options(input.dtype)) is { } launcher ? new CudaConvolution(launcher) : null;
    }

    /// <summary>Returns a tensor as the kernels read it.</summary>
    public Tensor Readable(Tensor tensor)
    {
        var contiguous = tensor.contiguous();
        return _launcher.AddressOf(contiguous) % CudaElements.VectorBytes == 0 ? contiguous : contiguous.clone();
    }

    /// <summary>Returns the argument for a convolution, without the tensors of its chains.</summary>
    /// <param name="plan">The geometry.</param>
    /// <param name="weight">[D, 1, 3].</param>
    /// <param name="bias">[D].</param>
    /// <param name="rows">The valid rows of every document before and after, as tables of <see cref="CudaTables"/>: [at least 2, B].</param>
    /// <param name="inputRow">The row of the table for the input.</param>
    /// <param name="outputRow">The row of the table for the output.</param>
    /// <param name="drop">The dropout after the convolution.</param>
    public CudaConvolutionCall NewCall(ConvolutionPlan plan, Tensor weight, Tensor bias, Tensor rows, int inputRow, int outputRow, ActivationDrop drop)
    {
        nint table = _launcher.AddressOf(rows);
        int partRows = (int)Math.Clamp((long)plan.Batch * plan.InputLength / WantedParts, MinPartRows, MaxPartRows);
        return new CudaConvolutionCall
        {
            Weight = _launcher.AddressOf(weight),
            Bias = _launcher.AddressOf(bias),
            InputRows = table + (inputRow * plan.Batch * sizeof(int)),
            OutputRows = table + (outputRow * plan.Batch * sizeof(int)),
            Seed = drop.Seed,
            Batch = plan.Batch,
            InputLength = plan.InputLength,
            OutputLength = plan.OutputLength,
            Width = plan.Width,
            Stride = plan.Stride,
            Dilation = plan.Dilation,
            Offset = plan.Offset,
            Relu = plan.Relu ? 1 : 0,
            PartRows = partRows,
            Parts = plan.Batch * ((plan.InputLength + partRows - 1) / partRows),
            Dropped = drop.Threshold,
            KeptFactor = drop.KeptFactor,
        };
    }

    /// <summary>Computes the outputs of one or two inputs, [B, N', D] each.</summary>
    public Tensor[] Forward(CudaConvolutionCall call, params ReadOnlySpan<Tensor> inputs)
    {
        var outputs = new Tensor[inputs.Length];
        for (int chain = 0; chain < inputs.Length; chain++)
        {
            outputs[chain] = empty([call.Batch, call.OutputLength, call.Width], inputs[chain].dtype, inputs[chain].device);
            call.Input[chain] = _launcher.AddressOf(inputs[chain]);
            call.Output[chain] = _launcher.AddressOf(outputs[chain]);
        }
        call.Chains = inputs.Length;
        long groups = (((long)call.Batch * call.OutputLength) + RowsPerThread - 1) / RowsPerThread;
        _launcher.Launch("convolve", Blocks(groups, inputs[0], call.Width), 1, call.Chains, Threads, ref call);
        return outputs;
    }

    /// <summary>Computes the gradients of the inputs, and the parts of the sums for weight and bias, which <see cref="Sum"/> adds.</summary>
    /// <param name="call">As from <see cref="NewCall"/>.</param>
    /// <param name="chains">For each input: itself, its output if the convolution has a ReLU, the gradient of its output, and what is added to its own.</param>
    /// <returns>The gradients [B, N, D], and the parts.</returns>
    public (Tensor[] Inputs, Tensor Partial) Backward(
        CudaConvolutionCall call, params ReadOnlySpan<(Tensor Input, Tensor? Output, Tensor Gradient, Tensor? Added)> chains)
    {
        var gradients = new Tensor[chains.Length];
        for (int chain = 0; chain < chains.Length; chain++)
        {
            var (input, output, gradient, added) = chains[chain];
            gradients[chain] = empty_like(input);
            call.Input[chain] = _launcher.AddressOf(input);
            call.Output[chain] = output is null ? 0 : _launcher.AddressOf(output);
            call.Gradient[chain] = _launcher.AddressOf(gradient);
            call.Added[chain] = added is null ? 0 : _launcher.AddressOf(added);
            call.InputGradient[chain] = _launcher.AddressOf(gradients[chain]);
        }
        call.Chains = chains.Length;
        var partial = empty([(long)call.Chains * call.Parts, Taps + 1, call.Width], ScalarType.Float32, chains[0].Input.device);
        call.Partial = _launcher.AddressOf(partial);
        _launcher.Launch("convolve_gradients", Blocks(call.Parts, chains[0].Input, call.Width), 1, call.Chains, Threads, ref call);
        return (gradients, partial);
    }

    /// <summary>Adds the parts of one or more convolutions: gradients of weight [D, 1, 3] and bias [D] for each, in turn.</summary>
    public Tensor[] Sum(IReadOnlyList<Tensor> partials, Tensor like)
    {
        int width = (int)partials[0].shape[2];
        var sums = new CudaConvolutionSums { Width = width };
        var gradients = new Tensor[2 * partials.Count];
        for (int i = 0; i < partials.Count; i++)
        {
            gradients[2 * i] = empty([width, 1, Taps], like.dtype, like.device);
            gradients[(2 * i) + 1] = empty([width], like.dtype, like.device);
            sums.Partial[i] = _launcher.AddressOf(partials[i]);
            sums.WeightGradient[i] = _launcher.AddressOf(gradients[2 * i]);
            sums.BiasGradient[i] = _launcher.AddressOf(gradients[(2 * i) + 1]);
            sums.Parts[i] = (int)partials[i].shape[0];
        }
        _launcher.Launch("convolve_parameters", (width + WarpThreads - 1) / WarpThreads, Taps + 1, partials.Count, SumThreads, ref sums);
        GC.KeepAlive(partials);
        return gradients;
    }

    private static long Blocks(long groups, Tensor like, int width)
    {
        long vectors = width * like.element_size() / CudaElements.VectorBytes;
        return ((groups * vectors) + Threads - 1) / Threads;
    }
}
