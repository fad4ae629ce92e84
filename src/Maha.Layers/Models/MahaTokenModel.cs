using Maha.Layers.Attention;
using Maha.Layers.Core;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Models;

// B batch, N length, D width, C outputs a token

/// <summary>
/// Scores every token: the features and one linear layer, for language models (C = the vocabulary) and for tagging.
/// </summary>
/// <remarks>logits_i = W features_i + b. This is the published code's model with its 'classifier', whose C is the vocabulary.</remarks>
public sealed class MahaTokenModel : Module<Tensor, Tensor?, ModelResult>
{
    [ComponentName(Name = "encoder")] private readonly MahaEncoder _encoder;
    [ComponentName(Name = "head")] private readonly Linear _head;

    /// <summary>Builds a model of tokens with random weights.</summary>
    /// <param name="options">The shape of the encoder.</param>
    /// <param name="numOutputs">C, the number of scores a token; the vocabulary where it is null.</param>
    /// <exception cref="ArgumentException">The options or the number of outputs are not valid.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public MahaTokenModel(MahaTransformerOptions options, int? numOutputs = null) : base(TorchLibrary.EnsureLoadedFor(nameof(MahaTokenModel)))
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        int outputs = numOutputs ?? options.VocabSize;
        TensorChecks.InRange(outputs, 1, 1 << 24, nameof(numOutputs), "Leave it out for a language model.");
        _encoder = new MahaEncoder(options);
        _head = Linear(options.DModel, outputs);
        RegisterComponents();
    }

    /// <summary>The model under the head.</summary>
    public MahaEncoder Encoder => _encoder;

    /// <summary>Scores the tokens of a batch of documents.</summary>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null where nothing is padded.</param>
    /// <returns>The logits [B, N, C] and the encoding under them.</returns>
    /// <exception cref="ArgumentException">The ids or the mask have another shape, type or device than the model takes.</exception>
    public override ModelResult forward(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        using var scope = NewDisposeScope();
        var encoding = _encoder.call(tokenIds, keyPaddingMask is null ? MixingContext.Unpadded : new MixingContext { KeyPaddingMask = keyPaddingMask });
        var logits = _head.call(encoding.Features); // [B, N, C]
        return new ModelResult(logits, encoding).MoveToOuterDisposeScope();
    }
}
