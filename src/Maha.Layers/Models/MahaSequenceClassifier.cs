using Maha.Layers.Attention;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Models;

// B batch, N length, D width, C classes

/// <summary>
/// Classifies whole documents: the mean of the features over the document's own tokens, then one linear layer.
/// </summary>
/// <remarks>logits = W Dropout(mean over valid i of features_i) + b. A document of padding alone has the mean 0.</remarks>
public sealed class MahaSequenceClassifier : Module<Tensor, Tensor?, ModelResult>
{
    private readonly MahaEncoder _encoder;
    private readonly Dropout _dropout;
    private readonly Linear _head;

    /// <summary>Builds a classifier with random weights.</summary>
    /// <param name="options">The shape of the encoder.</param>
    /// <param name="numClasses">C, at least 2.</param>
    /// <exception cref="ArgumentException">The options or the number of classes are not valid.</exception>
    public MahaSequenceClassifier(MahaTransformerOptions options, int numClasses) : base(nameof(MahaSequenceClassifier))
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        TensorChecks.InRange(numClasses, 2, 1 << 24, nameof(numClasses), "A classifier tells at least two classes apart.");
        _encoder = new MahaEncoder(options);
        _dropout = Dropout(options.Dropout);
        _head = Linear(options.DModel, numClasses);
        register_module("encoder", _encoder);
        register_module("dropout", _dropout);
        register_module("head", _head);
    }

    /// <summary>The model under the head.</summary>
    public MahaEncoder Encoder => _encoder;

    /// <summary>Classifies a batch of documents.</summary>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null where nothing is padded.</param>
    /// <returns>The logits [B, C] and the encoding under them.</returns>
    /// <exception cref="ArgumentException">The ids or the mask have another shape, type or device than the model takes.</exception>
    public override ModelResult forward(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        using var scope = NewDisposeScope();
        var encoding = _encoder.call(tokenIds, keyPaddingMask is null ? MixingContext.Unpadded : new MixingContext { KeyPaddingMask = keyPaddingMask });
        var pooled = MeanOfValid(encoding.Features, keyPaddingMask); // [B, D]
        var logits = _head.call(_dropout.call(pooled)); // [B, C]
        return new ModelResult(logits, encoding).MoveToOuterDisposeScope();
    }

    /// <summary>[B, D]: the mean over the tokens that are not padded, 0 where all are.</summary>
    internal static Tensor MeanOfValid(Tensor features, Tensor? keyPaddingMask)
    {
        if (keyPaddingMask is null)
            return features.mean([1]);
        var sum = features.masked_fill(keyPaddingMask.unsqueeze(-1), 0).sum(1); // [B, D]
        var count = keyPaddingMask.logical_not().to(features.dtype).sum(1, keepdim: true); // [B, 1]
        return sum / count.clamp_min(1);
    }

    /// <summary>Registers nothing: the constructor names every part itself, and reflection would add each a second time under its field's name.</summary>
    protected override void RegisterComponents()
    {
    }
}
