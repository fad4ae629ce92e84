using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Core;
using Maha.Layers.Kernels;
using Maha.Layers.Weights;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Models;

// B batch, N length, D width, V vocabulary, L layers

/// <summary>
/// Computes features from token ids: embeddings of tokens and positions, L blocks, a final norm.
/// </summary>
/// <remarks>
/// h_0 = Dropout(E_token[id_i] + E_position[i]); h_l = block_l(h_{l-1}); features = LayerNorm(h_L). With a norm after the embeddings and none after the last
/// block, this is the layout of BERT. The auxiliary losses of the blocks are summed.
/// </remarks>
public sealed partial class MahaEncoder : Module<Tensor, MixingContext, EncoderResult>
{
    [ComponentName(Name = "token_embedding")] private readonly Embedding _tokenEmbedding;
    [ComponentName(Name = "position_embedding")] private readonly Embedding? _positionEmbedding;
    [ComponentName(Name = "embedding_norm")] private readonly LayerNorm? _embeddingNorm;
    [ComponentName(Name = "dropout")] private readonly ActivationDropout _dropout;
    [ComponentName(Name = "blocks")] private readonly ModuleList<MahaBlock> _blocks;
    [ComponentName(Name = "final_norm")] private readonly LayerNorm? _finalNorm;

    /// <summary>Creates an encoder with random weights.</summary>
    /// <param name="options">The shape of the model.</param>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public MahaEncoder(MahaTransformerOptions options) : base(TorchLibrary.EnsureLoadedFor(nameof(MahaEncoder)))
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        Options = options;
        _tokenEmbedding = Embedding(options.VocabSize, options.DModel);
        _positionEmbedding = options.Positions == PositionKind.Learned ? Embedding(options.MaxSequenceLength, options.DModel) : null;
        _embeddingNorm = options.EmbeddingNorm ? LayerNorm(options.DModel, options.NormEpsilon) : null;
        _dropout = new ActivationDropout(options.Dropout);
        _blocks = new ModuleList<MahaBlock>([.. Enumerable.Range(0, options.NumLayers).Select(layer => new MahaBlock(options.OfLayer(layer)))]);
        _finalNorm = options.FinalNorm ? LayerNorm(options.DModel, options.NormEpsilon) : null;
        RegisterComponents();
        ModuleWeights.OutliveScopes(this);
    }

    /// <summary>The options that the encoder was built from.</summary>
    public MahaTransformerOptions Options { get; }

    /// <summary>The blocks, the first layer first.</summary>
    public IReadOnlyList<MahaBlock> Blocks => [.. _blocks];

    /// <summary>The matrix of the token embeddings, [V, D]. This is the registered parameter, which a move to another device replaces.</summary>
    internal Tensor TokenEmbeddings => _tokenEmbedding.get_parameter("weight")!;

    /// <summary>Encodes a batch of documents.</summary>
    /// <param name="tokenIds">[B, N] of Int64, each in [0, V). With learned positions N is at most MaxSequenceLength.</param>
    /// <param name="context">The padding mask and other data that the layers share.</param>
    /// <returns>The features [B, N, D], 0 at padded tokens, the sum of the auxiliary losses, and a report per layer.</returns>
    /// <exception cref="ArgumentException">
    /// The ids have another rank or type, are out of range, too many or on another device, or the blocks refuse the context.
    /// </exception>
    public override EncoderResult forward(Tensor tokenIds, MixingContext context)
    {
        int maxLength = _positionEmbedding is null ? int.MaxValue : Options.MaxSequenceLength;
        TensorChecks.TokenIds(tokenIds, Options.VocabSize, maxLength, TokenEmbeddings, nameof(tokenIds));
        ArgumentNullException.ThrowIfNull(context);
        long batchSize = tokenIds.shape[0], length = tokenIds.shape[1];
        if (context.KeyPaddingMask is not null)
            TensorChecks.TokenMask(context.KeyPaddingMask, batchSize, length, tokenIds, nameof(context));

        using var scope = NewDisposeScope();
        if (Options is { UsesDocumentTrees: true, TokenParts: not null } && context.Hierarchies is null)
            context = context.WithTrees(tokenIds, Options.TokenParts);
        return EncodeFrom(0, Embed(tokenIds), context).MoveToOuterDisposeScope();
    }

    /// <summary>Applies the blocks from a layer on, and the final norm.</summary>
    /// <param name="firstLayer">The first block to apply, from 0 to L.</param>
    /// <param name="hidden">[B, N, D], its input.</param>
    /// <param name="context">The padding mask and other data that the layers share.</param>
    internal EncoderResult EncodeFrom(int firstLayer, Tensor hidden, MixingContext context)
    {
        using var scope = NewDisposeScope();
        var result = BlockSequence.Apply(_blocks.Skip(firstLayer), hidden, context, Options.RecomputeBlocks);
        var features = _finalNorm is null ? result.Features : _finalNorm.call(result.Features); // [B, N, D]
        return (result with { Features = TokenMasks.Clear(features, context.KeyPaddingMask) }).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the input of a block, [B, N, D]: the embeddings after the blocks before it.</summary>
    /// <param name="layer">The block, from 0 to L.</param>
    /// <param name="tokenIds">[B, N] of Int64, valid ids.</param>
    /// <param name="context">The padding mask and other data that the layers share.</param>
    internal Tensor EncodeUntil(int layer, Tensor tokenIds, MixingContext context)
    {
        using var scope = NewDisposeScope();
        return BlockSequence.Apply(_blocks.Take(layer), Embed(tokenIds), context, Options.RecomputeBlocks).Features.MoveToOuterDisposeScope();
    }

    /// <summary>Excludes the embeddings and the first blocks from training, until <see cref="Unfreeze"/>.</summary>
    /// <param name="layers">The number of blocks.</param>
    internal void Freeze(int layers)
    {
        Module?[] frozen = [_tokenEmbedding, _positionEmbedding, _embeddingNorm, .. _blocks.Take(layers)];
        foreach (var parameter in frozen.OfType<Module>().SelectMany(part => part.parameters()))
            parameter.requires_grad = false;
    }

    /// <summary>Includes all weights in training.</summary>
    internal void Unfreeze()
    {
        foreach (var parameter in parameters())
            parameter.requires_grad = true;
    }

    /// <summary>Encodes a batch of documents with a padding mask, [B, N], or none.</summary>
    internal EncoderResult Encode(Tensor tokenIds, Tensor? keyPaddingMask) =>
        call(tokenIds, keyPaddingMask is null ? MixingContext.Unpadded : new MixingContext { KeyPaddingMask = keyPaddingMask });

    /// <summary>Returns the input of the first block, [B, N, D].</summary>
    internal Tensor Embed(Tensor tokenIds)
    {
        using var scope = NewDisposeScope();
        return _dropout.call(EmbedWithoutDropout(tokenIds, start: 0)).MoveToOuterDisposeScope();
    }
}
