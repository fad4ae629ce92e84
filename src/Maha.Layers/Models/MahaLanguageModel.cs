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
/// A causal language model: the probabilities of the next token at every token, from that token and those before it.
/// </summary>
/// <remarks>
/// p(next | tokens up to i) = softmax(W features_i). W is the matrix of the token embeddings (tied; Press and Wolf 2017) or one of its own.
/// Training and scoring never hold the N x V logits: see <see cref="Loss"/> and <see cref="LogLikelihoods"/>. Generation decodes with a cache: <see cref="StartDecoding"/>.
/// Cost of a token besides the encoder's: 2 * V * D.
/// </remarks>
public sealed class MahaLanguageModel : Module<Tensor, Tensor?, ModelResult>
{
    // As in GPT-2: logits of about D^(1/2) * 0.02 at first, so that training starts near equal probabilities.
    private const double EmbeddingDeviation = 0.02;

    [ComponentName(Name = "encoder")] private readonly MahaEncoder _encoder;
    [ComponentName(Name = "head")] private readonly Linear? _head;

    /// <summary>Builds a language model with random weights.</summary>
    /// <param name="options">The shape of the encoder, which must be causal: IsCausal = true with Attention Maha, Full or Window, or HsaCausal over blocks. A norm behind the embeddings (EmbeddingNorm) is advised where the output is tied.</param>
    /// <param name="tieOutput">Whether the output layer is the matrix of the token embeddings, which saves V * D weights.</param>
    /// <exception cref="ArgumentException">The options are not valid, or not those of a causal model.</exception>
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

    /// <summary>Whether the output layer is the matrix of the token embeddings.</summary>
    public bool TieOutput { get; }

    /// <summary>The model under the output layer.</summary>
    public MahaEncoder Encoder => _encoder;

    // The registered parameter, since moving a module makes new ones.
    private Tensor OutputWeight => _head is null ? _encoder.TokenEmbeddings : _head.get_parameter("weight")!;

    /// <summary>Checks that options describe a causal model that can be decoded.</summary>
    /// <param name="options">The shape of the encoder.</param>
    /// <exception cref="ArgumentException">They don't; the message says the rule, the value and the remedy.</exception>
    internal static void RequireCausal(MahaTransformerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        for (int layer = 0; layer < options.NumLayers; layer++)
        {
            var block = options.OfLayer(layer);
            if (!block.IsCausal && !block.IsCausalTree)
                throw new ArgumentException($"A language model must not see later tokens, but layer {layer} has Attention {block.Attention} and IsCausal false. Set IsCausal to true, or Attention to HsaCausal.", nameof(options));
            if (block.IsCausalTree && block.Hierarchy == HierarchyKind.Document)
                throw new ArgumentException("Hierarchy must be Blocks in a language model, since a sentence that is not written yet has no end, but is Document.", nameof(options));
        }
    }

    /// <summary>Scores the next token at every token. Holds B * N * V numbers: for short inputs.</summary>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null where nothing is padded.</param>
    /// <returns>The logits [B, N, V] and the encoding under them.</returns>
    /// <exception cref="ArgumentException">The ids or the mask have another shape, type or device than the model takes.</exception>
    public override ModelResult forward(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        using var scope = NewDisposeScope();
        var encoding = Encode(tokenIds, keyPaddingMask);
        var logits = LinearFunction.Apply(encoding.Features, OutputWeight, null); // [B, N, V]
        return new ModelResult(logits, encoding).MoveToOuterDisposeScope();
    }

    /// <summary>The mean of -ln p(token | tokens before it) over all tokens but the first of each row, for training.</summary>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null where nothing is padded.</param>
    /// <param name="labelSmoothing">The part of the probability of the right token that the loss spreads over all tokens, in [0, 1).</param>
    /// <returns>The loss with its graph. Memory O(B * N * D + V * D): the logits are made and forgotten in chunks.</returns>
    /// <exception cref="ArgumentException">The ids or the mask have another shape, type or device than the model takes.</exception>
    internal NextTokenLoss Loss(Tensor tokenIds, Tensor? keyPaddingMask, double labelSmoothing = 0)
    {
        TensorChecks.Probability(labelSmoothing, nameof(labelSmoothing));
        using var scope = NewDisposeScope();
        var targets = Targets(tokenIds, keyPaddingMask); // [B * (N - 1)]
        long count = targets is null ? 0 : targets.ge(0).sum().ToInt64();
        if (count == 0)
            return new NextTokenLoss(zeros(Array.Empty<long>()).MoveToOuterDisposeScope(), zeros(Array.Empty<long>()).MoveToOuterDisposeScope(), 0);
        var encoding = Encode(tokenIds.narrow(1, 0, tokenIds.shape[1] - 1), keyPaddingMask?.narrow(1, 0, tokenIds.shape[1] - 1));
        var mean = NextTokenLossFunction.Apply(encoding.Features.flatten(0, 1), OutputWeight, targets!, labelSmoothing);
        scope.MoveToOuter(mean, encoding.AuxiliaryLoss);
        return new NextTokenLoss(mean, encoding.AuxiliaryLoss, count);
    }

    /// <summary>ln p(token | tokens before it) of all tokens but the first of each row, without gradient.</summary>
    /// <param name="tokenIds">[B, N] of Int64, N at least 2.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null where nothing is padded.</param>
    /// <returns>[B, N - 1] of float64: column i is of token i + 1; 0 at padding.</returns>
    /// <exception cref="ArgumentException">The ids or the mask have another shape, type or device than the model takes.</exception>
    public Tensor LogLikelihoods(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var targets = Targets(tokenIds, keyPaddingMask)
            ?? throw new ArgumentException($"tokenIds must hold at least two tokens a row, since the first is not predicted, but have the shape {TensorChecks.Show(tokenIds.shape)}. Begin every row with the token of the text's end.", nameof(tokenIds));
        long batch = tokenIds.shape[0], length = tokenIds.shape[1] - 1;
        var encoding = Encode(tokenIds.narrow(1, 0, length), keyPaddingMask?.narrow(1, 0, length));
        return NextTokenLossFunction.PerRow(encoding.Features.flatten(0, 1), OutputWeight, targets).neg().reshape(batch, length).MoveToOuterDisposeScope();
    }

    /// <summary>Starts the decoding of sequences piece by piece.</summary>
    /// <returns>A state for <see cref="Decode"/>, empty. Dispose it at the end.</returns>
    internal DecoderState StartDecoding() => _encoder.StartDecoding();

    /// <summary>Takes the next tokens of every sequence up and scores the token behind them.</summary>
    /// <param name="tokenIds">[B, N] of Int64, the next N tokens of each sequence, at least 1.</param>
    /// <param name="state">The tokens before, from <see cref="StartDecoding"/>; takes the new ones up.</param>
    /// <returns>The logits [B, V] at the last token, without gradient. Time as <see cref="MahaEncoder.Decode"/> says.</returns>
    /// <exception cref="ArgumentException">As <see cref="MahaEncoder.Decode"/>.</exception>
    internal Tensor Decode(Tensor tokenIds, DecoderState state)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var features = _encoder.Decode(tokenIds, state);
        return functional.linear(features.select(1, features.shape[1] - 1), OutputWeight, null!).MoveToOuterDisposeScope();
    }

    private EncoderResult Encode(Tensor tokenIds, Tensor? keyPaddingMask) =>
        _encoder.call(tokenIds, keyPaddingMask is null ? MixingContext.Unpadded : new MixingContext { KeyPaddingMask = keyPaddingMask });

    // The tokens that are predicted, -1 at padding: [B * (N - 1)]; null where no row has a second token.
    private static Tensor? Targets(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        TensorChecks.Alive(tokenIds, nameof(tokenIds));
        if (tokenIds.dtype != ScalarType.Int64 || tokenIds.shape.Length != 2 || tokenIds.shape[0] < 1 || tokenIds.shape[1] < 1)
            throw new ArgumentException($"tokenIds must hold Int64 of the shape [batch, length] with at least one token, but hold {tokenIds.dtype} of {TensorChecks.Show(tokenIds.shape)}.", nameof(tokenIds));
        if (keyPaddingMask is not null)
            TensorChecks.TokenMask(keyPaddingMask, tokenIds.shape[0], tokenIds.shape[1], tokenIds, nameof(keyPaddingMask));
        long length = tokenIds.shape[1] - 1;
        if (length == 0)
            return null;
        var next = tokenIds.narrow(1, 1, length);
        return (keyPaddingMask is null ? next : next.masked_fill(keyPaddingMask.narrow(1, 1, length), -1)).flatten();
    }
}
