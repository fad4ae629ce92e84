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
/// Classifies whole documents: the features of the document's own tokens pooled to one vector, then one linear layer.
/// </summary>
/// <remarks>logits = W Dropout(pool over valid i of features_i) + b. A document of padding alone has the vector 0.</remarks>
public sealed class MahaSequenceClassifier : Module<Tensor, Tensor?, ModelResult>
{
    [ComponentName(Name = "encoder")] private readonly MahaEncoder _encoder;
    [ComponentName(Name = "pooling")] private readonly DocumentPooling _pooling;
    [ComponentName(Name = "dropout")] private readonly ActivationDropout _dropout;
    [ComponentName(Name = "head")] private readonly Linear _head;

    /// <summary>Builds a classifier with random weights.</summary>
    /// <param name="options">The shape of the encoder.</param>
    /// <param name="numClasses">C, at least 2.</param>
    /// <exception cref="ArgumentException">The options or the number of classes are not valid.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public MahaSequenceClassifier(MahaTransformerOptions options, int numClasses) : base(TorchLibrary.EnsureLoadedFor(nameof(MahaSequenceClassifier)))
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        TensorChecks.InRange(numClasses, 2, 1 << 24, nameof(numClasses), "A classifier tells at least two classes apart.");
        _encoder = new MahaEncoder(options);
        _pooling = new DocumentPooling(options.DModel, options.Pooling);
        _dropout = new ActivationDropout(options.Dropout);
        _head = Linear(_pooling.OutputDim, numClasses);
        RegisterComponents();
    }

    /// <summary>The model under the head.</summary>
    public MahaEncoder Encoder => _encoder;

    /// <summary>What makes one vector of the features.</summary>
    internal DocumentPooling Pooling => _pooling;

    /// <summary>Classifies a batch of documents.</summary>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null where nothing is padded.</param>
    /// <returns>The logits [B, C] and the encoding under them.</returns>
    /// <exception cref="ArgumentException">The ids or the mask have another shape, type or device than the model takes.</exception>
    public override ModelResult forward(Tensor tokenIds, Tensor? keyPaddingMask) =>
        Classify(tokenIds, keyPaddingMask is null ? MixingContext.Unpadded : new MixingContext { KeyPaddingMask = keyPaddingMask });

    /// <summary>Classifies a batch of documents and looks into the layers: their reports have everything, the entropy of the attention too.</summary>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null where nothing is padded.</param>
    /// <returns>What <see cref="forward"/> returns, with the same logits. <see cref="LayerDiagnostics.Compute"/> makes numbers of it.</returns>
    /// <exception cref="ArgumentException">The ids or the mask have another shape, type or device than the model takes.</exception>
    public ModelResult Inspect(Tensor tokenIds, Tensor? keyPaddingMask) => Classify(tokenIds, new MixingContext { KeyPaddingMask = keyPaddingMask, Inspect = true });

    /// <summary>Classifies with all that layers can be told.</summary>
    internal ModelResult Classify(Tensor tokenIds, MixingContext context)
    {
        using var scope = NewDisposeScope();
        var encoding = _encoder.call(tokenIds, context);
        var pooled = _pooling.call(encoding.Features, context.KeyPaddingMask); // [B, D or 2D]
        var logits = _head.call(_dropout.call(pooled)); // [B, C]
        return new ModelResult(logits, encoding).MoveToOuterDisposeScope();
    }
}
