using Maha.Layers.Models;
using Maha.Layers.Weights;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Training;

// D width, V vocabulary, P width of a pooled vector, n masked tokens

/// <summary>What is trained: an encoder with its pooling, and heads that are thrown away afterwards.</summary>
internal sealed class PretrainingHeads : Module
{
    private readonly Linear _dense;
    private readonly LayerNorm _norm;
    private readonly Linear? _output;
    private readonly Parameter? _bias;
    private readonly Linear _projection;
    private readonly Tensor _embedding;
    private readonly double _logitScale;

    public PretrainingHeads(MahaDocumentEncoder encoder, bool tieEmbedding) : base(nameof(PretrainingHeads))
    {
        Encoder = encoder;
        var options = encoder.Options;
        var device = encoder.Encoder.parameters().First().device;
        _embedding = encoder.Encoder.state_dict()["token_embedding.weight"];
        // Embeddings of variance 1 against normed features: without the factor the first logits have a deviation of sqrt(D).
        _logitScale = 1 / Math.Sqrt(options.DModel);
        _dense = Linear(options.DModel, options.DModel);
        _norm = LayerNorm(options.DModel, options.NormEpsilon);
        _projection = Linear(encoder.Pooling.OutputDim, encoder.Pooling.OutputDim, hasBias: false);
        if (tieEmbedding)
            _bias = new Parameter(zeros(options.VocabSize));
        else
            _output = Linear(options.DModel, options.VocabSize);
        register_module("encoder", encoder.Encoder);
        register_module("pooling", encoder.Pooling);
        register_module("dense", _dense);
        register_module("norm", _norm);
        register_module("projection", _projection);
        if (_output is not null)
            register_module("output", _output);
        if (_bias is not null)
            register_parameter("bias", _bias);
        ModuleWeights.OutliveScopes(this);
        this.to(device);
    }

    public MahaDocumentEncoder Encoder { get; }

    /// <summary>The logits of masked tokens, [n, V].</summary>
    public Tensor Tell(Tensor features)
    {
        using var scope = NewDisposeScope();
        var hidden = _norm.call(functional.gelu(_dense.call(features))); // [n, D]
        var logits = _output is not null ? _output.call(hidden) : hidden.CheckedMatmul(_embedding.t()) * _logitScale + _bias!;
        return logits.MoveToOuterDisposeScope();
    }

    /// <summary>The unit vectors of views, [B, P].</summary>
    public Tensor Project(Tensor pooled)
    {
        using var scope = NewDisposeScope();
        var projected = _projection.call(pooled);
        return (projected / projected.square().sum(1, keepdim: true).sqrt().clamp_min(1e-6)).MoveToOuterDisposeScope();
    }

    /// <summary>Registers nothing: the constructor names every part itself.</summary>
    protected override void RegisterComponents()
    {
    }
}
