using Maha.Layers.Core;
using Maha.Layers.Kernels;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, N_s length at scale s, S scales, D width

/// <summary>The multi-scale part of the published block: dilated convolution, decomposition, attention at every scale, aggregation.</summary>
/// <remarks>
/// <para>Section 4.4 of the paper, equation 11: c = Dropout(ReLU(Conv(x; kernel 3, dilation 2, padding 2))), X_s = decomposition(c), O_s = attention(X_s),
/// out = aggregation(U(O_s)). Kept for parity with the published code.</para>
/// <para>It has no masks: convolutions and attention mix padding into every token, so padding is refused. It is not causal.</para>
/// </remarks>
internal sealed class ReferenceMahaMixer : TokenMixer
{
    [ComponentName(Name = "local_conv")] private readonly ConvolutionWeights _localConvolution;
    [ComponentName(Name = "dropout")] private readonly ActivationDropout _dropout;
    [ComponentName(Name = "decomposition")] private readonly HierarchicalDecomposition _decomposition;
    [ComponentName(Name = "attention")] private readonly MultiscaleAttention _attention;
    [ComponentName(Name = "aggregation")] private readonly ScaleAggregation _aggregation;
    private readonly int _dModel;

    /// <summary>Builds the parts.</summary>
    /// <param name="options">The shape of the block.</param>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    public ReferenceMahaMixer(MahaBlockOptions options)
        : base(nameof(ReferenceMahaMixer))
    {
        ArgumentNullException.ThrowIfNull(options);
        var reference = options.Validated<MahaReferenceOptions>();
        int numScales = reference.CountScales(options.MaxSequenceLength);
        _dModel = options.DModel;
        _localConvolution = new ConvolutionWeights(_dModel, _dModel, kernelSize: 3);
        _dropout = new ActivationDropout(options.Dropout);
        _decomposition = new HierarchicalDecomposition(_dModel, numScales, reference.CompressionRatio, reference.Decomposition);
        _attention = new MultiscaleAttention(_dModel, options.NumHeads, numScales);
        _aggregation = ScaleAggregations.Create(_dModel, numScales, reference.Aggregation);
        RegisterComponents();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The input has another rank, width, element type or device, or a padding mask is given.</exception>
    public override MixingResult forward(Tensor hidden, MixingContext context)
    {
        TensorChecks.Hidden(hidden, _dModel, _localConvolution, nameof(hidden));
        ArgumentNullException.ThrowIfNull(context);
        if (context.KeyPaddingMask is not null)
        {
            throw new ArgumentException(
                $"{nameof(AttentionKind.MahaReference)} mixes padded tokens into all others, as the published code does, and takes no KeyPaddingMask, " +
                "but one was given. Choose another Attention, or batches of documents of equal length.",
                nameof(context));
        }
        using var scope = NewDisposeScope();
        var trace = Trace(hidden);
        var aggregated = trace.Aggregated;
        return new MixingResult(aggregated.Output, aggregated.AuxiliaryLoss)
        {
            ScaleWeights = aggregated.ScaleWeights.detach(),
            Diagnostics = aggregated.Diagnostics,
        }.MoveToOuterDisposeScope();
    }

    /// <summary>Computes the mixer and returns its intermediate results.</summary>
    public (IReadOnlyList<Tensor> Scales, IReadOnlyList<Tensor> ScaleOutputs, AggregationResult Aggregated) Trace(Tensor hidden)
    {
        var local = DenseConvolution.Apply(hidden, _localConvolution, stride: 1, padding: 2, dilation: 2); // [B, N, D]
        var context = _dropout.call(functional.relu(local)); // [B, N, D]
        var scales = _decomposition.call(context); // S x [B, N_s, D]
        var outputs = _attention.call(scales, _decomposition); // S x [B, N_s, D]
        long length = hidden.shape[1];
        var upsampled = outputs.Select(output => NearestUpsampling.To(output, length)).ToArray(); // S x [B, N, D]
        return (scales, outputs, _aggregation.call(new ScaleOutputs(upsampled)));
    }
}
