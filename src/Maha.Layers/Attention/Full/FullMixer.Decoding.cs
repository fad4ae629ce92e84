using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N new tokens, D width, H heads

internal sealed partial class FullMixer
{
    /// <inheritdoc/>
    internal override DecoderState StartDecoding() => _options.IsCausal ? new FullDecoderState() : throw NotCausal();

    /// <inheritdoc/>
    /// <remarks>Equal to the last rows of <see cref="forward"/> over all tokens so far. Time per token and memory O(D * tokens so far).</remarks>
    internal override Tensor Decode(Tensor hidden, DecoderState state)
    {
        TensorChecks.Hidden(hidden, _options.DModel, _queryProjection, nameof(hidden));
        var own = DecoderState.Cast<FullDecoderState>(state, nameof(state));
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var (query, key) = (LinearFunction.Apply(_queryProjection, hidden), LinearFunction.Apply(_keyProjection, hidden)); // [B, N, D]
        if (_options.Positions == PositionKind.Rotary)
        {
            query = RotaryPositions.Rotate(query, _options.NumHeads, cell: 1, own.Position);
            key = RotaryPositions.Rotate(key, _options.NumHeads, cell: 1, own.Position);
        }
        var attended = own.Step(Heads(query), Heads(key), Heads(LinearFunction.Apply(_valueProjection, hidden)));
        return LinearFunction.Apply(_outputProjection, AttentionHeads.MergeFlat(attended, _options.NumHeads)).MoveToOuterDisposeScope();

        Tensor Heads(Tensor rows) => AttentionHeads.SplitFlat(rows, _options.NumHeads);
    }
}
