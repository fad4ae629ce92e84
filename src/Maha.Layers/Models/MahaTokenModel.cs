using Maha.Layers.Core;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Models;

// B batch, N length, D width, C outputs per token

/// <summary>
/// Scores every token: the encoder's features and one linear layer, for tagging or as a language model (C = the vocabulary).
/// </summary>
/// <remarks>logits_i = W features_i + b. In the published code of the paper this is the model with the head 'classifier', whose C is the vocabulary.</remarks>
public sealed class MahaTokenModel : Module<Tensor, Tensor?, ModelResult>
{
    [ComponentName(Name = "encoder")] private readonly MahaEncoder _encoder;
    [ComponentName(Name = "head")] private readonly Linear _head;

    /// <summary>Creates a model with random weights.</summary>
    /// <param name="options">The shape of the encoder.</param>
    /// <param name="numOutputs">C, the number of scores per token; null for the size of the vocabulary.</param>
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

    /// <summary>The encoder before the output layer.</summary>
    public MahaEncoder Encoder => _encoder;

    /// <summary>Scores the tokens of a batch of documents.</summary>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <returns>The logits [B, N, C], and the result of the encoder that they are computed from.</returns>
    /// <exception cref="ArgumentException">The ids or the mask have a shape, type or device that the model does not accept.</exception>
    public override ModelResult forward(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        using var scope = NewDisposeScope();
        var encoding = _encoder.Encode(tokenIds, keyPaddingMask);
        var logits = _head.call(encoding.Features); // [B, N, C]
        return new ModelResult(logits, encoding).MoveToOuterDisposeScope();
    }
}
