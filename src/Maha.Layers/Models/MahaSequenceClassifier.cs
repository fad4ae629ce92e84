using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Kernels;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Models;

// B batch, N length, D width, C classes

/// <summary>
/// Classifies documents: the features of a document's tokens are pooled to one vector, which one linear layer maps to class scores.
/// </summary>
/// <remarks>logits = W Dropout(pool over valid i of features_i) + b. A document without tokens has the vector 0.</remarks>
public sealed class MahaSequenceClassifier : Module<Tensor, Tensor?, ModelResult>
{
    [ComponentName(Name = "encoder")] private readonly MahaEncoder _encoder;
    [ComponentName(Name = "pooling")] private readonly DocumentPooling _pooling;
    [ComponentName(Name = "dropout")] private readonly ActivationDropout _dropout;
    [ComponentName(Name = "head")] private readonly Linear _head;

    /// <summary>Creates a classifier with random weights.</summary>
    /// <param name="options">The shape of the encoder.</param>
    /// <param name="numClasses">C, at least 2.</param>
    /// <exception cref="ArgumentException">The options or the number of classes are not valid.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public MahaSequenceClassifier(MahaTransformerOptions options, int numClasses) : base(TorchLibrary.EnsureLoadedFor(nameof(MahaSequenceClassifier)))
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        TensorChecks.InRange(numClasses, 2, 1 << 24, nameof(numClasses), "A classifier distinguishes at least two classes.");
        _encoder = new MahaEncoder(options);
        _pooling = new DocumentPooling(options.DModel, options.Pooling);
        _dropout = new ActivationDropout(options.Dropout);
        _head = Linear(_pooling.OutputDim, numClasses);
        RegisterComponents();
    }

    /// <summary>The encoder before the pooling.</summary>
    public MahaEncoder Encoder => _encoder;

    /// <summary>The pooling of the encoder's features.</summary>
    internal DocumentPooling Pooling => _pooling;

    /// <summary>Classifies a batch of documents.</summary>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <returns>The logits [B, C], and the result of the encoder that they are computed from.</returns>
    /// <exception cref="ArgumentException">The ids or the mask have a shape, type or device that the model does not accept.</exception>
    public override ModelResult forward(Tensor tokenIds, Tensor? keyPaddingMask) =>
        Classify(tokenIds, keyPaddingMask is null ? MixingContext.Unpadded : new MixingContext { KeyPaddingMask = keyPaddingMask });

    /// <summary>Classifies a batch of documents and inspects the layers: their reports include the entropy of the attention.</summary>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <returns>The result of <see cref="forward"/> with complete reports. <see cref="LayerDiagnostics.Compute"/> summarizes them.</returns>
    /// <exception cref="ArgumentException">The ids or the mask have a shape, type or device that the model does not accept.</exception>
    public ModelResult Inspect(Tensor tokenIds, Tensor? keyPaddingMask) =>
        Classify(tokenIds, new MixingContext { KeyPaddingMask = keyPaddingMask, Inspect = true });

    /// <summary>Classifies a batch of documents with a given context.</summary>
    internal ModelResult Classify(Tensor tokenIds, MixingContext context)
    {
        using var scope = NewDisposeScope();
        var encoding = _encoder.call(tokenIds, context);
        var pooled = _pooling.Pool(encoding.Features, context.KeyPaddingMask, isClear: true); // [B, D or 2D]
        var logits = _head.call(_dropout.call(pooled)); // [B, C]
        return new ModelResult(logits, encoding).MoveToOuterDisposeScope();
    }

    /// <summary>Classifies the segments of documents with the pooling and the output layer of the documents.</summary>
    /// <param name="features">[B, N, D], the features of the documents.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <param name="segmentLength">L, the number of tokens of a segment.</param>
    /// <returns>The logits [B, ceil(N / L), C]. A segment without tokens has the vector 0.</returns>
    internal Tensor ClassifySegments(Tensor features, Tensor? keyPaddingMask, int segmentLength)
    {
        using var scope = NewDisposeScope();
        return _head.call(_dropout.call(_pooling.PoolSegments(features, keyPaddingMask, segmentLength))).MoveToOuterDisposeScope();
    }

    /// <summary>Sets the bias of the output layer, for instance to the log odds of the labels.</summary>
    /// <param name="logits">[C].</param>
    internal void SetOutputBias(float[] logits)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        _head.bias!.copy_(tensor(logits));
    }
}
