using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.Layers.Weights;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Models;

// B batch, N length, D width, K width of a spectral part, E width of the vector

/// <summary>
/// One vector a document: the encoder's features pooled, beside spectral vectors of the whole document and of its beginning.
/// </summary>
/// <remarks>
/// vector = (raw - center) * scale, raw = [pool(features), spectral(document), spectral(beginning)]. Center and scale are fitted on documents: every part
/// has the mean 0 and, over its width, the root mean square 2 (the encoder's: times its weight), at which ML.NET's linear trainers with their default
/// regularization do well. Directions are not whitened: where labels are few, that makes noise as loud as what tells.
/// </remarks>
internal sealed class MahaDocumentEncoder : Module<Tensor, Tensor?, Tensor>
{
    private const double Loudness = 2;

    [ComponentName(Name = "encoder")] private readonly MahaEncoder _encoder;
    [ComponentName(Name = "pooling")] private readonly DocumentPooling _pooling;
    [ComponentName(Name = "spectral")] private readonly SpectralEmbedding? _spectral;
    [ComponentName(Name = "beginning")] private readonly SpectralEmbedding? _beginning;

    // Not readonly: a move to another device puts other tensors here.
    [ComponentName(Name = "center")] private readonly Tensor _center;
    [ComponentName(Name = "scale")] private readonly Tensor _scale;

    /// <summary>Builds an encoder with random weights; center 0 and scale 1.</summary>
    /// <param name="options">The shape of the encoder.</param>
    /// <param name="parts">What the vector consists of.</param>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public MahaDocumentEncoder(MahaTransformerOptions options, DocumentVectorParts parts) : base(TorchLibrary.EnsureLoadedFor(nameof(MahaDocumentEncoder)))
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(parts);
        options.Validate();
        parts.Validate();
        Parts = parts;
        Options = options;
        _encoder = new MahaEncoder(options);
        _pooling = new DocumentPooling(options.DModel, options.Pooling);
        if (parts.SpectralDim > 0)
        {
            _spectral = new SpectralEmbedding(options.VocabSize, parts.SpectralDim, parts.NumPairBuckets);
            _beginning = parts.BeginningTokens > 0 ? new SpectralEmbedding(options.VocabSize, parts.SpectralDim, parts.NumPairBuckets, parts.BeginningTokens) : null;
        }
        OutputDim = _pooling.OutputDim + (_spectral?.Dim ?? 0) + (_beginning?.Dim ?? 0);
        _center = zeros(OutputDim);
        _scale = ones(OutputDim);
        RegisterComponents();
        ModuleWeights.OutliveScopes(this);
    }

    /// <summary>The shape of the encoder.</summary>
    public MahaTransformerOptions Options { get; }

    /// <summary>What the vector consists of.</summary>
    public DocumentVectorParts Parts { get; }

    /// <summary>E.</summary>
    public int OutputDim { get; }

    /// <summary>The model of tokens inside.</summary>
    public MahaEncoder Encoder => _encoder;

    /// <summary>What makes one vector of the features.</summary>
    public DocumentPooling Pooling => _pooling;

    /// <summary>Learns the spectral parts from documents without labels.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="cancellationToken">Ends the fitting with an <see cref="OperationCanceledException"/>.</param>
    public void FitSpectral(ITokenizedDocuments documents, int seed, CancellationToken cancellationToken = default)
    {
        _spectral?.Fit(documents, seed, cancellationToken);
        _beginning?.Fit(documents, seed, cancellationToken);
    }

    /// <summary>Starts the encoder's token embedding from the spectral part's directions, so that tokens of like use begin near each other.</summary>
    /// <remarks>Rows have the variance of random ones; tokens that the spectral part doesn't know stay random. Without spectral parts nothing happens.</remarks>
    public void InitializeFromSpectral()
    {
        if (_spectral is null)
            return;
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var embedding = _encoder.state_dict()["token_embedding.weight"]; // [V, D]
        int width = Math.Min(Options.DModel, _spectral.Dim);
        var rows = _spectral.TokenTable.narrow(1, 0, width).to(embedding.device); // [V, width]
        var length = rows.square().sum(1, keepdim: true).sqrt(); // [V, 1]
        var target = embedding.narrow(1, 0, width);
        target.copy_(where(length > 1e-8, rows / length.clamp_min(1e-8) * Math.Sqrt(width), target));
    }

    /// <summary>Fits center and scale on documents; the other weights stay as they are.</summary>
    /// <param name="documents">Some documents; about 1,000 are plenty.</param>
    /// <param name="cancellationToken">Ends the fitting with an <see cref="OperationCanceledException"/>.</param>
    public void FitScale(ITokenizedDocuments documents, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        bool wasTraining = training;
        eval();
        double[] sum = new double[OutputDim], squares = new double[OutputDim];
        for (int i = 0; i < documents.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            var batch = TokenBatch.Create(documents, [i], _center.device);
            float[] raw = Raw(batch.TokenIds, documents.LengthOf(i) == 0 ? ones_like(batch.TokenIds).to(ScalarType.Bool) : null).cpu().data<float>().ToArray();
            for (int k = 0; k < raw.Length; k++)
            {
                sum[k] += raw[k];
                squares[k] += (double)raw[k] * raw[k];
            }
        }
        train(wasTraining);
        if (documents.Count > 0)
            SetScale(sum, squares, documents.Count);
    }

    /// <summary>Encodes a batch of documents.</summary>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null where nothing is padded.</param>
    /// <returns>[B, E].</returns>
    /// <exception cref="ArgumentException">The ids or the mask have another shape, type or device than the model takes.</exception>
    public override Tensor forward(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        using var scope = NewDisposeScope();
        return ((Raw(tokenIds, keyPaddingMask) - _center) * _scale).MoveToOuterDisposeScope();
    }

    private Tensor Raw(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        using var scope = NewDisposeScope();
        var encoding = Encoder.call(tokenIds, keyPaddingMask is null ? MixingContext.Unpadded : new MixingContext { KeyPaddingMask = keyPaddingMask });
        var parts = new List<Tensor> { Pooling.call(encoding.Features, keyPaddingMask) };
        if (_spectral is not null)
            parts.Add(_spectral.call(tokenIds, keyPaddingMask));
        if (_beginning is not null)
            parts.Add(_beginning.call(tokenIds, keyPaddingMask));
        return cat([.. parts], 1).MoveToOuterDisposeScope();
    }

    private void SetScale(double[] sum, double[] squares, int count)
    {
        float[] center = new float[OutputDim], scale = new float[OutputDim];
        int start = 0;
        foreach (var (width, weight) in new[] { (Pooling.OutputDim, Loudness * Parts.ContextualWeight), (_spectral?.Dim ?? 0, Loudness), (_beginning?.Dim ?? 0, Loudness) })
        {
            double variance = 0;
            for (int k = start; k < start + width; k++)
            {
                double mean = sum[k] / count;
                center[k] = (float)mean;
                variance += Math.Max(0, squares[k] / count - mean * mean);
            }
            // One document, or all alike: nothing to scale by.
            float factor = variance > 1e-10 ? (float)(weight * Math.Sqrt(width / variance)) : 1;
            scale.AsSpan(start, width).Fill(factor);
            start += width;
        }
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        _center.copy_(tensor(center));
        _scale.copy_(tensor(scale));
    }
}
