using System.Collections.Concurrent;
using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, N_s length at scale s, S scales, D width

/// <summary>
/// The outputs of the scales on a CUDA device, for aggregations that run in the kernels of <c>scale_forward.cu</c> and <c>scale_backward.cu</c>.
/// </summary>
/// <param name="Outputs">O_s, [B, N_s, D] each, as the kernels read them; only the scales that the batch uses.</param>
/// <param name="Hierarchy">The lengths.</param>
/// <param name="NumScales">S of the model.</param>
/// <param name="Costs">The relative cost of every document and scale, [B, S]; null where the aggregation has no price.</param>
/// <param name="Forward">The kernels of the forward pass.</param>
/// <param name="Backward">Those of the backward pass; null where no gradients are recorded.</param>
internal sealed record CudaScales(
    IReadOnlyList<Tensor> Outputs, ScaleHierarchy Hierarchy, int NumScales, double[]? Costs, CudaLauncher Forward, CudaLauncher? Backward)
{
    private const string ForwardSource = "scale_forward.cu";
    private const string BackwardSource = "scale_backward.cu";

    // A warp holds a row in registers.
    private const int MaxWidth = 1024;

    // A thread solves a program in registers, whose number is fixed when the source is compiled.
    private static readonly int[] s_maxScales = [4, 8, ScaleCount.Max];

    private static readonly ConcurrentDictionary<(ScalarType Type, int Width, int MaxScales), string> s_options = new();

    /// <summary>B.</summary>
    public int Batch { get; } = (int)Outputs[0].shape[0];

    /// <summary>D.</summary>
    public int Width { get; } = (int)Outputs[0].shape[2];

    /// <summary>The number of scales for which the kernels are compiled.</summary>
    public int MaxScales => MaxScalesFor(NumScales);

    /// <summary>Returns the scales for the kernels; null where they can't be used.</summary>
    /// <param name="outputs">O_s, [B, N_s, D] each.</param>
    /// <param name="hierarchy">The lengths.</param>
    /// <param name="numScales">S of the model.</param>
    /// <param name="costs">The relative costs [B, S], or null.</param>
    public static CudaScales? TryCreate(Tensor[] outputs, ScaleHierarchy hierarchy, int numScales, double[]? costs)
    {
        var finest = outputs[0];
        long width = finest.shape[2];
        if (!CudaKernels.CanUse(finest) || !IsSupported(finest.dtype, width) || hierarchy.Lengths.Sum(length => (long)length) * finest.shape[0] > int.MaxValue)
            return null;
        string options = s_options.GetOrAdd(
            (finest.dtype, (int)width, MaxScalesFor(numScales)),
            static key => $"-DWIDTH={key.Width} -DMAX_SCALES={key.MaxScales} {CudaElements.Options(key.Type)}".TrimEnd());
        if (CudaLauncher.TryGet(finest, ForwardSource, options) is not { } forward)
            return null;

        // A prediction does not wait for the backward pass to be compiled.
        var backward = is_grad_enabled() ? CudaLauncher.TryGet(finest, BackwardSource, options) : null;
        if (backward is null && is_grad_enabled())
            return null;
        Tensor[] readable = [.. outputs.Select(output => Readable(output, forward))];
        return new CudaScales(readable, hierarchy, numScales, costs, forward, backward);
    }

    /// <summary>Whether kernels exist for an element type and a width.</summary>
    public static bool IsSupported(ScalarType type, long width) =>
        CudaElements.IsSupported(type) && width <= MaxWidth && CudaElements.HasWholeVectors(width, type);

    /// <summary>Returns the number of scales for which the kernels of a model are compiled.</summary>
    public static int MaxScalesFor(int numScales) => s_maxScales.First(most => numScales <= most);

    /// <summary>Returns a tensor as the kernels read it.</summary>
    public static Tensor Readable(Tensor tensor, CudaLauncher launcher)
    {
        var contiguous = tensor.contiguous();
        return launcher.AddressOf(contiguous) % CudaElements.VectorBytes == 0 ? contiguous : contiguous.clone();
    }
}
