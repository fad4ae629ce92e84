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
/// One vector per document: the pooled features of the encoder, and spectral vectors of the document and of its beginning.
/// </summary>
/// <remarks>
/// vector = (raw - center) * scale, raw = [pool(features), spectral(document), spectral(beginning)]. Center and scale are fitted on documents: every part
/// has the mean 0 and the root mean square 2 over its width (the encoder's part: times its weight). ML.NET's linear trainers do well at this scale with their
/// default regularization. Directions are not whitened: with few labels, whitening amplifies noise. An encoder of windows and the spectral parts read
/// different token ids: the vocabulary of a pretrained encoder is general, that of the spectral parts is learned from the documents.
/// </remarks>
internal sealed partial class MahaDocumentEncoder : Module<Tensor, Tensor?, Tensor>
{
    // The root mean square of each part over its width.
    private const double PartDeviation = 2;

    // Fewer documents say nothing about the scale, however short the time is.
    private const int MinScaleDocuments = 16;

    [ComponentName(Name = "encoder")] private readonly MahaEncoder? _encoder;
    [ComponentName(Name = "reader")] private readonly WindowedEncoder? _reader;
    [ComponentName(Name = "pooling")] private readonly DocumentPooling _pooling;
    [ComponentName(Name = "spectral")] private readonly SpectralEmbedding? _spectral;
    [ComponentName(Name = "beginning")] private readonly SpectralEmbedding? _beginning;

    // TorchSharp replaces these fields when the module moves to another device.
    [ComponentName(Name = "center")] private readonly Tensor _center;
    [ComponentName(Name = "scale")] private readonly Tensor _scale;

    /// <summary>Creates an encoder with random weights, center 0 and scale 1.</summary>
    /// <param name="options">The shape of the encoder.</param>
    /// <param name="parts">The parts of the vector besides the encoder's features.</param>
    /// <param name="windows">The windows in which documents are read; null for an encoder that reads them whole.</param>
    /// <param name="spectralVocabSize">The number of token ids of the spectral parts; null for that of the encoder.</param>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public MahaDocumentEncoder(
        MahaTransformerOptions options, DocumentVectorParts parts, WindowedEncoderOptions? windows = null, int? spectralVocabSize = null)
        : base(TorchLibrary.EnsureLoadedFor(nameof(MahaDocumentEncoder)))
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(parts);
        options.Validate();
        parts.Validate();
        if (windows is not null && (windows.ChunkLength != windows.WindowLength || windows.Document is not null))
        {
            throw new ArgumentException(
                $"A document encoder must have one state per window and no blocks over them, but ChunkLength is {windows.ChunkLength} for windows of " +
                $"{windows.WindowLength} tokens{(windows.Document is null ? "" : " and there are blocks")}. Set ChunkLength to WindowLength, and leave " +
                "Document out.",
                nameof(windows));
        }
        if (windows is { NumVotes: > 0 })
            throw new ArgumentException($"A document encoder must have no votes, but NumVotes is {windows.NumVotes}. Leave it out.", nameof(windows));
        Parts = parts;
        Options = options;
        if (windows is null)
            _encoder = new MahaEncoder(options);
        else
            _reader = new WindowedEncoder(options, windows);
        int vocabSize = spectralVocabSize ?? options.VocabSize;
        _pooling = new DocumentPooling(options.DModel, options.Pooling);
        if (parts.SpectralDim > 0)
        {
            _spectral = new SpectralEmbedding(vocabSize, parts.SpectralDim, parts.NumPairBuckets);
            if (parts.BeginningTokens > 0)
                _beginning = new SpectralEmbedding(vocabSize, parts.SpectralDim, parts.NumPairBuckets, parts.BeginningTokens);
        }
        OutputDim = _pooling.OutputDim + (_spectral?.Dim ?? 0) + (_beginning?.Dim ?? 0);
        _center = zeros(OutputDim);
        _scale = ones(OutputDim);
        RegisterComponents();
        ModuleWeights.OutliveScopes(this);
    }

    /// <summary>The shape of the encoder.</summary>
    public MahaTransformerOptions Options { get; }

    /// <summary>The parts of the vector besides the encoder's features.</summary>
    public DocumentVectorParts Parts { get; }

    /// <summary>E, the width of the vector.</summary>
    public int OutputDim { get; }

    /// <summary>The encoder of the tokens.</summary>
    public MahaEncoder Encoder => _encoder ?? _reader!.Encoder;

    /// <summary>The encoder of windows; null for an encoder that reads documents whole.</summary>
    public WindowedEncoder? Reader => _reader;

    /// <summary>The pooling of the encoder's features.</summary>
    public DocumentPooling Pooling => _pooling;

    /// <summary>Learns the spectral parts from documents without labels.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="seed">The seed of the decomposition's first guess.</param>
    /// <param name="isTimeOver">Returns whether what was computed so far must do: fewer iterations give less exact directions. Null without a limit.</param>
    /// <param name="cancellationToken">Ends the fitting with an <see cref="OperationCanceledException"/>.</param>
    public void FitSpectral(ITokenizedDocuments documents, int seed, Func<bool>? isTimeOver = null, CancellationToken cancellationToken = default)
    {
        _spectral?.Fit(documents, seed, isTimeOver, cancellationToken);
        _beginning?.Fit(documents, seed, isTimeOver, cancellationToken);
    }

    /// <summary>Initializes the encoder's token embedding with the directions of the spectral part: tokens of similar use start near each other.</summary>
    /// <remarks>
    /// Rows have the variance of random rows. Tokens that the spectral part doesn't know stay random. Without spectral parts this does nothing.
    /// </remarks>
    public void InitializeFromSpectral()
    {
        if (_spectral is null)
            return;
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var embedding = Encoder.state_dict()["token_embedding.weight"]; // [V, D]
        int width = Math.Min(Options.DModel, _spectral.Dim);
        var rows = _spectral.TokenTable.narrow(1, 0, width).to(embedding.device); // [V, width]
        var length = rows.square().sum(1, keepdim: true).sqrt(); // [V, 1]
        var target = embedding.narrow(1, 0, width);
        target.copy_(where(length > 1e-8, rows / length.clamp_min(1e-8) * Math.Sqrt(width), target));
    }

    /// <summary>Fits center and scale on documents. The other weights don't change.</summary>
    /// <param name="documents">The documents; about 1,000 are enough.</param>
    /// <param name="isTimeOver">Returns whether the documents so far must do, of which at least 16 are read; null without a limit.</param>
    /// <param name="cancellationToken">Ends the fitting with an <see cref="OperationCanceledException"/>.</param>
    public void FitScale(ITokenizedDocuments documents, Func<bool>? isTimeOver = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(documents);
        FitScale(documents.Count, Raw, isTimeOver, cancellationToken);

        Tensor Raw(int document)
        {
            var batch = TokenBatch.Create(documents, [document], _center.device);
            var padding = documents.LengthOf(document) == 0 ? ones_like(batch.TokenIds).to(ScalarType.Bool) : null;
            return this.Raw(batch.TokenIds, padding);
        }
    }

    /// <summary>Encodes a batch of documents.</summary>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <returns>[B, E].</returns>
    /// <exception cref="ArgumentException">The ids or the mask have a shape, type or device that the model does not accept.</exception>
    public override Tensor forward(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        using var scope = NewDisposeScope();
        return ((Raw(tokenIds, keyPaddingMask) - _center) * _scale).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the encoder's part of the vectors, before center and scale.</summary>
    /// <param name="tokenIds">[B, N] of Int64; framed windows for an encoder of windows.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <returns>[B, width of the pooling].</returns>
    public Tensor Contextual(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        using var scope = NewDisposeScope();
        var vectors = _reader is null
            ? Pooling.call(Encoder.Encode(tokenIds, keyPaddingMask).Features, keyPaddingMask)
            : ReadWindows(tokenIds, keyPaddingMask).Documents;
        return vectors.MoveToOuterDisposeScope();
    }

    private Tensor Raw(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        using var scope = NewDisposeScope();
        var parts = new List<Tensor> { Contextual(tokenIds, keyPaddingMask) };
        if (_spectral is not null)
            parts.Add(_spectral.call(tokenIds, keyPaddingMask));
        if (_beginning is not null)
            parts.Add(_beginning.call(tokenIds, keyPaddingMask));
        return cat([.. parts], 1).MoveToOuterDisposeScope();
    }

    private void FitScale(int count, Func<int, Tensor> rawVector, Func<bool>? isTimeOver, CancellationToken cancellationToken)
    {
        bool wasTraining = training;
        eval();
        double[] sum = new double[OutputDim], squares = new double[OutputDim];
        int done = 0;
        while (done < count && (done < MinScaleDocuments || isTimeOver?.Invoke() != true))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var noGradient = no_grad();
            float[] raw = rawVector(done++).to(ScalarType.Float32).cpu().data<float>().ToArray();
            for (int k = 0; k < raw.Length; k++)
            {
                sum[k] += raw[k];
                squares[k] += (double)raw[k] * raw[k];
            }
        }
        train(wasTraining);
        if (done > 0)
            SetScale(sum, squares, done);
    }

    private void SetScale(double[] sum, double[] squares, int count)
    {
        float[] center = new float[OutputDim], scale = new float[OutputDim];
        int start = 0;
        var parts = new[]
        {
            (Width: Pooling.OutputDim, Deviation: PartDeviation * Parts.ContextualWeight),
            (Width: _spectral?.Dim ?? 0, Deviation: PartDeviation),
            (Width: _beginning?.Dim ?? 0, Deviation: PartDeviation),
        };
        foreach (var (width, deviation) in parts)
        {
            double variance = 0;
            for (int k = start; k < start + width; k++)
            {
                double mean = sum[k] / count;
                center[k] = (float)mean;
                variance += Math.Max(0, squares[k] / count - mean * mean);
            }
            // With one document, or with equal ones, there is no deviation to scale by.
            float factor = variance > 1e-10 ? (float)(deviation * Math.Sqrt(width / variance)) : 1;
            scale.AsSpan(start, width).Fill(factor);
            start += width;
        }
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        _center.copy_(tensor(center));
        _scale.copy_(tensor(scale));
    }
}
