using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Kernels;
using Maha.Layers.Trees;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Models;

// B batch, N length, D width, V vocabulary

/// <summary>
/// A causal language model: at every token the probabilities of the next one, from that token and the tokens before it.
/// </summary>
/// <remarks>
/// p(next | tokens up to i) = softmax(W features_i). W is the matrix of the token embeddings (tied; Press and Wolf 2017) or a separate matrix.
/// Training and scoring compute the N x V logits in chunks and never hold all of them (<see cref="LogLikelihoods(Tensor, Tensor)"/>).
/// Cost of the output layer per token: 2 * V * D floating-point operations.
/// </remarks>
public sealed class MahaLanguageModel : Module<Tensor, Tensor?, ModelResult>
{
    // As in GPT-2: the first logits are about D^(1/2) * 0.02, so that training starts near equal probabilities.
    private const double EmbeddingDeviation = 0.02;

    [ComponentName(Name = "encoder")] private readonly MahaEncoder _encoder;
    [ComponentName(Name = "head")] private readonly Linear? _head;

    /// <summary>Creates a language model with random weights.</summary>
    /// <param name="options">
    /// The shape of the encoder, which must be causal: IsCausal = true with Attention Maha, Full or Window, or Attention HsaCausal with Hierarchy Blocks.
    /// With a tied output, a norm after the embeddings (EmbeddingNorm) is recommended.
    /// </param>
    /// <param name="tieOutput">Whether the output layer shares the matrix of the token embeddings, which saves V * D weights.</param>
    /// <exception cref="ArgumentException">The options are not valid, or don't describe a causal model.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public MahaLanguageModel(MahaTransformerOptions options, bool tieOutput = true) : base(TorchLibrary.EnsureLoadedFor(nameof(MahaLanguageModel)))
    {
        RequireCausal(options);
        TieOutput = tieOutput;
        _encoder = new MahaEncoder(options);
        _head = tieOutput ? null : Linear(options.DModel, options.VocabSize, hasBias: false);
        using (no_grad())
            _encoder.TokenEmbeddings.mul_(EmbeddingDeviation);
        RegisterComponents();
    }

    /// <summary>Whether the output layer shares the matrix of the token embeddings.</summary>
    public bool TieOutput { get; }

    /// <summary>The encoder before the output layer.</summary>
    public MahaEncoder Encoder => _encoder;

    // The registered parameter, which a move to another device replaces.
    private Tensor OutputWeight => _head is null ? _encoder.TokenEmbeddings : _head.get_parameter("weight")!;

    /// <summary>Checks that options describe a causal model that can be decoded.</summary>
    /// <param name="options">The shape of the encoder.</param>
    /// <exception cref="ArgumentException">The options are not valid, or don't describe a causal model.</exception>
    internal static void RequireCausal(MahaTransformerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        for (int layer = 0; layer < options.NumLayers; layer++)
        {
            var block = options.OfLayer(layer);
            if (!block.IsCausal && block.Attention is not HsaCausalOptions)
            {
                throw new ArgumentException(
                    $"A language model must not see later tokens, but layer {layer} has Attention {block.Attention.Kind} and IsCausal false. " +
                    "Set IsCausal to true, or Attention to HsaCausal.",
                    nameof(options));
            }
            if (block.Attention is HsaOptions { Hierarchy: HierarchyKind.Document })
            {
                throw new ArgumentException(
                    "Hierarchy must be Blocks in a language model, since the end of an unfinished sentence is unknown, but is Document. " +
                    "Set Hierarchy to Blocks.",
                    nameof(options));
            }
        }
    }

    /// <summary>Computes the logits of the next token at every token. They are B * N * V numbers: for short inputs.</summary>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <returns>The logits [B, N, V], and the result of the encoder that they are computed from.</returns>
    /// <exception cref="ArgumentException">The ids or the mask have a shape, type or device that the model does not accept.</exception>
    public override ModelResult forward(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        using var scope = NewDisposeScope();
        var encoding = _encoder.Encode(tokenIds, keyPaddingMask);
        var logits = LinearFunction.Apply(encoding.Features, OutputWeight, null); // [B, N, V]
        return new ModelResult(logits, encoding).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the mean of -ln p(token | tokens before it) over all tokens but the first of each row, for training.</summary>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <param name="labelSmoothing">The part of the probability of the right token that the loss spreads over all tokens, in [0, 1).</param>
    /// <param name="idRange">The lowest and the highest id, if they are known: otherwise they are read from the device.</param>
    /// <returns>The loss with its graph. Memory O(B * N * D + V * D), since the logits are computed in chunks.</returns>
    /// <exception cref="ArgumentException">The ids or the mask have a shape, type or device that the model does not accept.</exception>
    internal NextTokenLoss Loss(Tensor tokenIds, Tensor? keyPaddingMask, double labelSmoothing = 0, (long Low, long High)? idRange = null)
    {
        TensorChecks.Probability(labelSmoothing, nameof(labelSmoothing));
        using var scope = NewDisposeScope();
        var range = CheckedRange(tokenIds, idRange);
        var targets = Targets(tokenIds, keyPaddingMask); // [B * (N - 1)]
        // Without padding every token but the first of a row is predicted: no need to read the targets, which waits for the device.
        long count = targets is null ? 0 : keyPaddingMask is null && idRange is not null ? targets.numel() : targets.ge(0).sum().ToInt64();
        if (count == 0)
            return new NextTokenLoss(zeros(Array.Empty<long>()).MoveToOuterDisposeScope(), zeros(Array.Empty<long>()).MoveToOuterDisposeScope(), 0);
        var read = tokenIds.narrow(1, 0, tokenIds.shape[1] - 1);
        using var facts = new KnownTokens(read, range);
        var encoding = _encoder.Encode(read, keyPaddingMask?.narrow(1, 0, tokenIds.shape[1] - 1));
        var mean = NextTokenLossFunction.Apply(encoding.Features.flatten(0, 1), OutputWeight, targets!, count, labelSmoothing);
        scope.MoveToOuter(mean, encoding.AuxiliaryLoss);
        return new NextTokenLoss(mean, encoding.AuxiliaryLoss, count);
    }

    /// <summary>Computes ln p(token | tokens before it) of all tokens but the first of each row, without gradient and without dropout.</summary>
    /// <param name="tokenIds">[B, N] of Int64, N at least 2.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <returns>[B, N - 1] of Float64: column i belongs to token i + 1; 0 at padding.</returns>
    /// <exception cref="ArgumentException">The ids or the mask have a shape, type or device that the model does not accept.</exception>
    public Tensor LogLikelihoods(Tensor tokenIds, Tensor? keyPaddingMask) => LogLikelihoods(tokenIds, keyPaddingMask, first: 0);

    /// <summary>Computes the last columns of <see cref="LogLikelihoods(Tensor, Tensor)"/>, without the logits of those before.</summary>
    /// <param name="tokenIds">[B, N] of Int64, N at least 2.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <param name="first">The first column that is returned, in [0, N - 1).</param>
    internal Tensor LogLikelihoods(Tensor tokenIds, Tensor? keyPaddingMask, long first)
    {
        using var noGradient = no_grad();
        using var noDropout = new WithoutDropout();
        using var scope = NewDisposeScope();
        var range = CheckedRange(tokenIds, null);
        var targets = Targets(tokenIds, keyPaddingMask)
            ?? throw new ArgumentException(
                "tokenIds must hold at least two tokens per row, since the first is not predicted, " +
                $"but have the shape {TensorChecks.Show(tokenIds.shape)}. Begin every row with the end-of-text token.",
                nameof(tokenIds));
        long batch = tokenIds.shape[0], length = tokenIds.shape[1] - 1;
        var read = tokenIds.narrow(1, 0, length);
        using var facts = new KnownTokens(read, range);
        var encoding = _encoder.Encode(read, keyPaddingMask?.narrow(1, 0, length));
        var (features, next) = (encoding.Features.narrow(1, first, length - first), targets.reshape(batch, length).narrow(1, first, length - first));
        var losses = NextTokenLossFunction.PerRow(features.flatten(0, 1), OutputWeight, next.flatten()); // [B * (N - 1 - first)]
        return losses.neg().reshape(batch, length - first).MoveToOuterDisposeScope();
    }

    /// <summary>Starts decoding: scoring sequences that grow.</summary>
    /// <returns>An empty state for <see cref="Decode"/>. Dispose it after decoding.</returns>
    internal DecoderState StartDecoding() => _encoder.StartDecoding();

    /// <summary>Adds the next tokens of every sequence and scores the token after them.</summary>
    /// <param name="tokenIds">[B, N] of Int64, the next N tokens of each sequence, at least 1.</param>
    /// <param name="state">The state of the earlier tokens, from <see cref="StartDecoding"/>. The new tokens are added to it.</param>
    /// <returns>The logits [B, V] at the last token, without gradient. The cost is that of <see cref="MahaEncoder.Decode"/>.</returns>
    /// <exception cref="ArgumentException">See <see cref="MahaEncoder.Decode"/>.</exception>
    internal Tensor Decode(Tensor tokenIds, DecoderState state)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var features = _encoder.Decode(tokenIds, state);
        return functional.linear(features.select(1, features.shape[1] - 1), OutputWeight, null!).MoveToOuterDisposeScope();
    }

    // Checks the ids, the last of each row too, which is predicted but not read. Returns their range, so that the encoder need not ask for it again.
    private (long Low, long High) CheckedRange(Tensor tokenIds, (long Low, long High)? known)
    {
        using var facts = known is { } range ? new KnownTokens(tokenIds, range) : null;
        TensorChecks.TokenIds(tokenIds, _encoder.Options.VocabSize, int.MaxValue, _encoder.TokenEmbeddings, nameof(tokenIds));
        return known ?? (0, _encoder.Options.VocabSize - 1);
    }

    // Returns the tokens to predict, [B * (N - 1)], -1 at padding; null if the rows have one token.
    private static Tensor? Targets(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        if (keyPaddingMask is not null)
            TensorChecks.TokenMask(keyPaddingMask, tokenIds.shape[0], tokenIds.shape[1], tokenIds, nameof(keyPaddingMask));
        long length = tokenIds.shape[1] - 1;
        if (length == 0)
            return null;
        var next = tokenIds.narrow(1, 1, length);
        return (keyPaddingMask is null ? next : next.masked_fill(keyPaddingMask.narrow(1, 1, length), -1)).flatten();
    }
}
