using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, S scales, D width

/// <summary>
/// Combines the outputs of the scales into one sequence: out_i = sum over s of w_is * U(O_s)_i with weights on the simplex.
/// </summary>
/// <remarks>
/// Section 4.3 of the paper. An aggregation either uses everything in <see cref="ScaleOutputs"/> that can change its result, or throws an exception.
/// </remarks>
internal abstract class ScaleAggregation : Module<ScaleOutputs, AggregationResult>
{
    /// <summary>Creates the module.</summary>
    /// <param name="name">The class's name.</param>
    /// <param name="numScales">S, at least 1.</param>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    protected ScaleAggregation(string name, int numScales) : base(TorchLibrary.EnsureLoadedFor(name))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(numScales, 1);
        NumScales = numScales;
    }

    /// <summary>S, the number of scales.</summary>
    public int NumScales { get; }

    /// <summary>Aggregates the scales.</summary>
    /// <param name="scales">The upsampled outputs and their masks.</param>
    /// <returns>The output, the weights, the auxiliary loss and the solver's diagnostics.</returns>
    public abstract override AggregationResult forward(ScaleOutputs scales);

    /// <summary>Aggregates the scales by the kernels of a CUDA device.</summary>
    /// <param name="scales">The outputs of the scales, from the mixer.</param>
    /// <returns>As from <see cref="forward"/>; null where there are no kernels for the aggregation.</returns>
    public virtual AggregationResult? TryAggregate(CudaScales scales) => null;

    /// <summary>Checks the shapes, element types and devices of the outputs and masks.</summary>
    protected void Check(ScaleOutputs scales)
    {
        ArgumentNullException.ThrowIfNull(scales);

        // The mixer has created these outputs itself. Checking the upsampled copies would create them.
        if (scales.Compact is { } compact)
        {
            if (compact.NumScales != NumScales)
                throw new ArgumentException($"scales must hold {NumScales} outputs (numScales), but hold {compact.NumScales}.", nameof(scales));
            return;
        }
        var outputs = scales.Upsampled;
        if (outputs.Count != NumScales)
            throw new ArgumentException($"scales must hold {NumScales} outputs (numScales), but hold {outputs.Count}.", nameof(scales));
        foreach (var output in outputs)
            TensorChecks.Alive(output, nameof(scales));
        var finest = outputs[0];
        long[] shape = finest.shape;
        if (shape is not [>= 1, >= 1, >= 1] || !finest.is_floating_point())
        {
            throw new ArgumentException(
                "the outputs of the scales must be floating-point tensors [batch, length, dModel], "
                + $"but scale 0 is {TensorChecks.Show(shape)} of {finest.dtype}.",
                nameof(scales));
        }
        for (int scale = 1; scale < NumScales; scale++)
        {
            if (!outputs[scale].shape.AsSpan().SequenceEqual(shape))
            {
                throw new ArgumentException(
                    $"all scales must be upsampled to {TensorChecks.Show(shape)}, the shape of scale 0, "
                    + $"but scale {scale} is {TensorChecks.Show(outputs[scale].shape)}.",
                    nameof(scales));
            }
            TensorChecks.SameKind(outputs[scale], finest, nameof(scales));
        }
        if (scales.KeyPaddingMask is not null)
            TensorChecks.TokenMask(scales.KeyPaddingMask, shape[0], shape[1], finest, nameof(scales.KeyPaddingMask));
        if (scales.UnavailableScales is { } unavailable)
            CheckAvailability(unavailable, shape, finest);
        if (scales.RelativeCosts is { } costs)
            CheckCosts(costs, shape[0], finest);
    }

    private void CheckAvailability(Tensor unavailable, long[] shape, Tensor like)
    {
        const string name = nameof(ScaleOutputs.UnavailableScales);
        TensorChecks.Alive(unavailable, name);
        long[] maskShape = unavailable.shape;
        bool fits = maskShape.AsSpan().SequenceEqual([shape[0], NumScales]) || maskShape.AsSpan().SequenceEqual([shape[0], shape[1], NumScales]);
        if (unavailable.dtype != ScalarType.Bool || !fits)
        {
            throw new ArgumentException(
                $"{name} must hold Bool of the shape [{shape[0]}, {NumScales}] or [{shape[0]}, {shape[1]}, {NumScales}], "
                + $"but holds {unavailable.dtype} of {TensorChecks.Show(maskShape)}.",
                name);
        }
        TensorChecks.SameDevice(unavailable, like, name, "the outputs of the scales");
    }

    private void CheckCosts(Tensor costs, long batchSize, Tensor like)
    {
        const string name = nameof(ScaleOutputs.RelativeCosts);
        TensorChecks.Alive(costs, name);
        if (!costs.is_floating_point() || !costs.shape.AsSpan().SequenceEqual([batchSize, NumScales]))
        {
            throw new ArgumentException(
                $"{name} must hold floating-point numbers of the shape [{batchSize}, {NumScales}], a price for every document and scale, "
                + $"but holds {costs.dtype} of {TensorChecks.Show(costs.shape)}.",
                name);
        }
        TensorChecks.SameDevice(costs, like, name, "the outputs of the scales");
    }

    /// <summary>Computes sum over s of w_s * outputs_s, 0 at padded tokens.</summary>
    /// <param name="scales">The outputs and the padding mask.</param>
    /// <param name="weights">[B, S] or [B, N, S].</param>
    protected static Tensor WeightedSum(ScaleOutputs scales, Tensor weights)
    {
        if (scales.Compact is { } compact)
            return compact.Mix(weights);
        if (scales.IsCausal && weights.dim() == 3 && TensorMemory.Reachable(weights))
            return CausalScales.Mix(scales, weights);
        Tensor? sum = null;
        for (int scale = 0; scale < scales.Upsampled.Count; scale++)
        {
            var weight = weights.select(-1, scale).unsqueeze(-1); // [B, 1] or [B, N, 1]
            if (weights.dim() == 2)
                weight = weight.unsqueeze(-1); // [B, 1, 1]
            var term = weight * scales.Upsampled[scale]; // [B, N, D]
            sum = sum is null ? term : sum + term;
        }
        return ClearPadding(sum!, scales);
    }

    /// <summary>Sets padded tokens to 0. A product with 0 would keep NaN, so this is a fill.</summary>
    protected static Tensor ClearPadding(Tensor tokens, ScaleOutputs scales) =>
        TokenMasks.Clear(tokens, scales.KeyPaddingMask);

    /// <summary>Returns the scalar 0 in the type and on the device of a tensor, for aggregations without an auxiliary loss.</summary>
    protected static Tensor NoLoss(Tensor like) => zeros(Array.Empty<long>(), like.dtype, like.device);
}
