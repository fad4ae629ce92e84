using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Weights;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Training;

// D width, V vocabulary, P width of a pooled vector, n masked tokens

/// <summary>The module that pretraining trains: an encoder with its pooling, and heads that are discarded afterwards.</summary>
internal sealed class PretrainingHeads : Module
{
    // The parts of the document encoder that are trained, under its own names. Its other parts are fitted.
    [ComponentName(Name = "encoder")] private readonly MahaEncoder _encoder;
    [ComponentName(Name = "pooling")] private readonly DocumentPooling _pooling;
    [ComponentName(Name = "dense")] private readonly Linear _dense;
    [ComponentName(Name = "norm")] private readonly LayerNorm _norm;
    [ComponentName(Name = "projection")] private readonly Linear _projection;
    [ComponentName(Name = "output")] private readonly Linear? _output;

    // Not readonly: a move to another device puts another parameter here.
    [ComponentName(Name = "bias")] private readonly Parameter? _bias;
    private readonly double _logitScale;

    public PretrainingHeads(MahaDocumentEncoder encoder, bool tieEmbedding) : base(nameof(PretrainingHeads))
    {
        (_encoder, _pooling) = (encoder.Encoder, encoder.Pooling);
        var options = encoder.Options;
        var device = _encoder.TokenEmbeddings.device;
        // Embeddings have variance 1 and features are normed: without the factor, the first logits have a standard deviation of sqrt(D).
        _logitScale = 1 / Math.Sqrt(options.DModel);
        _dense = Linear(options.DModel, options.DModel);
        _norm = LayerNorm(options.DModel, options.NormEpsilon);
        _projection = Linear(_pooling.OutputDim, _pooling.OutputDim, hasBias: false);
        if (tieEmbedding)
            _bias = new Parameter(zeros(options.VocabSize));
        else
            _output = Linear(options.DModel, options.VocabSize);
        RegisterComponents();
        ModuleWeights.OutliveScopes(this);
        this.to(device);
    }

    public MahaEncoder Encoder => _encoder;

    public DocumentPooling Pooling => _pooling;

    /// <summary>Computes the logits [n, V] of masked tokens from the features [n, D] at their positions.</summary>
    public Tensor PredictTokens(Tensor features)
    {
        using var scope = NewDisposeScope();
        var hidden = _norm.call(functional.gelu(_dense.call(features))); // [n, D]
        var logits = _output is not null ? _output.call(hidden) : hidden.CheckedMatmul(_encoder.TokenEmbeddings.t()) * _logitScale + _bias!;
        return logits.MoveToOuterDisposeScope();
    }

    /// <summary>Projects pooled vectors [B, P] and scales them to length 1, of at least float32: the temperature of the loss amplifies rounding.</summary>
    public Tensor Project(Tensor pooled)
    {
        using var scope = NewDisposeScope();
        var projected = LossPrecision.AtLeastFloat32(_projection.call(pooled));
        return (projected / projected.square().sum(1, keepdim: true).sqrt().clamp_min(1e-6)).MoveToOuterDisposeScope();
    }
}
