using Maha.Layers.Attention;
using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B batch, N new tokens, D width

public sealed partial class MahaEncoder
{
    // The numbers in one activation of a chunk of a long prompt: 128 MiB of float32.
    private const long ChunkElements = 1L << 25;

    /// <summary>Starts decoding: encoding sequences that grow.</summary>
    /// <returns>An empty state for <see cref="Decode"/>. Dispose it after decoding.</returns>
    /// <exception cref="InvalidOperationException">A layer is not causal, or needs the trees of complete documents.</exception>
    internal DecoderState StartDecoding()
    {
        var layers = new List<DecoderState>();
        foreach (var block in _blocks)
            layers.Add(block.StartDecoding());
        return new EncoderDecoderState(layers);
    }

    /// <summary>Encodes the next tokens of every sequence without dropout. The features equal those of <see cref="forward"/> over all tokens so far.</summary>
    /// <param name="tokenIds">[B, N] of Int64, the next N tokens of each sequence, at least 1; each in [0, V).</param>
    /// <param name="state">The state of the earlier tokens, from <see cref="StartDecoding"/>. The new tokens are added to it.</param>
    /// <returns>
    /// [B, N, D], without gradient. Besides the projections a token costs O(L * w * D) with <see cref="AttentionKind.Maha"/> and
    /// <see cref="AttentionKind.Window"/>, O(L * b * D log N) with <see cref="AttentionKind.HsaCausal"/>, and O(L * N * D) with
    /// <see cref="AttentionKind.Full"/>, where N is the number of tokens so far.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// The ids have another rank or type, are out of range or on another device, the state belongs to other sequences, or there are more tokens than learned
    /// positions.
    /// </exception>
    internal Tensor Decode(Tensor tokenIds, DecoderState state)
    {
        TensorChecks.TokenIds(tokenIds, Options.VocabSize, int.MaxValue, TokenEmbeddings, nameof(tokenIds));
        var own = DecoderState.Cast<EncoderDecoderState>(state, nameof(state));
        if (own.Layers.Count != _blocks.Count)
        {
            throw new ArgumentException(
                $"state must come from StartDecoding of the same model, but has {own.Layers.Count} layers where {_blocks.Count} are needed. Start a new state.",
                nameof(state));
        }
        long length = tokenIds.shape[1];
        if (_positionEmbedding is not null && own.Position + length > Options.MaxSequenceLength)
        {
            throw new ArgumentException(
                $"Learned positions must not be exceeded, but there are {Options.MaxSequenceLength} (MaxSequenceLength) " +
                $"and {own.Position} + {length} tokens. Cut the text, or train a model with Positions = Rotary.",
                nameof(tokenIds));
        }
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        long chunkLength = Math.Max(1, ChunkElements / (Options.DModel * tokenIds.shape[0]));
        return SequenceChunks.Apply(tokenIds, chunkLength, chunk => DecodeChunk(chunk, own)).MoveToOuterDisposeScope();
    }

    private Tensor DecodeChunk(Tensor tokenIds, EncoderDecoderState state)
    {
        var hidden = EmbedWithoutDropout(tokenIds, state.Position); // [B, N, D]
        int layer = 0;
        foreach (var block in _blocks)
            hidden = block.Decode(hidden, state.Layers[layer++]);
        state.Advance(hidden.shape[1]);
        return _finalNorm is null ? hidden : _finalNorm.call(hidden);
    }

    // The first token has the position start.
    private Tensor EmbedWithoutDropout(Tensor tokenIds, long start)
    {
        var embedded = _tokenEmbedding.call(tokenIds); // [B, N, D]
        if (_positionEmbedding is not null)
            embedded = embedded + _positionEmbedding.call(arange(tokenIds.shape[1], dtype: ScalarType.Int64, device: tokenIds.device) + start);
        return _embeddingNorm is null ? embedded : _embeddingNorm.call(embedded);
    }
}
