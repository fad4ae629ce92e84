using Maha.Layers.Attention;
using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B batch, N new tokens, D width

public sealed partial class MahaEncoder
{
    // Numbers in one activation of a piece of a long prompt: 128 MiB of float32.
    private const long PieceElements = 1L << 25;

    /// <summary>Starts the decoding of sequences piece by piece.</summary>
    /// <returns>A state for <see cref="Decode"/>, empty. Dispose it at the end.</returns>
    /// <exception cref="InvalidOperationException">A layer is not causal, or causal over trees that only a whole document has.</exception>
    internal DecoderState StartDecoding()
    {
        var layers = new List<DecoderState>();
        foreach (var block in _blocks)
            layers.Add(block.StartDecoding());
        return new EncoderDecoderState(layers);
    }

    /// <summary>Encodes the next tokens of every sequence, as <see cref="forward"/> does behind all tokens so far; dropout is off.</summary>
    /// <param name="tokenIds">[B, N] of Int64, the next N tokens of each sequence, at least 1; each in [0, V).</param>
    /// <param name="state">The tokens before, from <see cref="StartDecoding"/>; takes the new ones up.</param>
    /// <returns>
    /// [B, N, D], without gradient. A token costs O(L * w * D) besides the projections under <see cref="AttentionKind.Maha"/> and <see cref="AttentionKind.Window"/>,
    /// O(L * b * D log N) under <see cref="AttentionKind.HsaCausal"/>, O(L * N * D) under <see cref="AttentionKind.Full"/>, with N the tokens so far.
    /// </returns>
    /// <exception cref="ArgumentException">The ids have another rank or type, are out of range or on another device, the state is one of other sequences, or learned positions end before the last token.</exception>
    internal Tensor Decode(Tensor tokenIds, DecoderState state)
    {
        TensorChecks.TokenIds(tokenIds, Options.VocabSize, int.MaxValue, TokenEmbeddings, nameof(tokenIds));
        var own = DecoderState.Of<EncoderDecoderState>(state, nameof(state));
        if (own.Layers.Count != _blocks.Count)
            throw new ArgumentException($"state must come from StartDecoding of the same model, but has {own.Layers.Count} layers where {_blocks.Count} are needed. Start a new state.", nameof(state));
        long length = tokenIds.shape[1];
        if (_positionEmbedding is not null && own.Position + length > Options.MaxSequenceLength)
            throw new ArgumentException($"Learned positions must not be exceeded, but there are {Options.MaxSequenceLength} (MaxSequenceLength) and {own.Position} + {length} tokens. Cut the text, or train a model with Positions = Rotary.", nameof(tokenIds));
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        long piece = Math.Max(1, PieceElements / (Options.DModel * tokenIds.shape[0]));
        var features = new List<Tensor>();
        for (long start = 0; start < length; start += piece)
        {
            using var inner = NewDisposeScope();
            var hidden = Embedded(tokenIds.narrow(1, start, Math.Min(piece, length - start)), own.Position); // [B, N, D]
            int layer = 0;
            foreach (var block in _blocks)
                hidden = block.Decode(hidden, own.Layers[layer++]);
            own.Advance(hidden.shape[1]);
            features.Add((_finalNorm is null ? hidden : _finalNorm.call(hidden)).MoveToOuterDisposeScope());
        }
        return (features.Count == 1 ? features[0] : cat(features, 1)).MoveToOuterDisposeScope();
    }

    // Embeddings without dropout; the first token has the position start.
    private Tensor Embedded(Tensor tokenIds, long start)
    {
        var embedded = _tokenEmbedding.call(tokenIds); // [B, N, D]
        if (_positionEmbedding is not null)
            embedded = embedded + _positionEmbedding.call(arange(tokenIds.shape[1], dtype: ScalarType.Int64, device: tokenIds.device) + start);
        return _embeddingNorm is null ? embedded : _embeddingNorm.call(embedded);
    }
}
