using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N new tokens, D width, H heads, w window, g global tokens

internal sealed partial class WindowMixer
{
    /// <inheritdoc/>
    internal override DecoderState StartDecoding() => _options.IsCausal ? new WindowDecoderState(_window.Window, _window.GlobalTokens) : throw NotCausal();

    /// <inheritdoc/>
    /// <remarks>Equal to the last rows of <see cref="forward"/> over all tokens so far. Time per token and memory O((w + g) * D) for any length.</remarks>
    internal override Tensor Decode(Tensor hidden, DecoderState state)
    {
        TensorChecks.Hidden(hidden, _options.DModel, _valueProjection, nameof(hidden));
        var own = DecoderState.Cast<WindowDecoderState>(state, nameof(state));
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var queriesAndKeys = LinearFunction.Apply(_queryKeyProjection, hidden); // [B, N, 2D]
        if (_options.Positions == PositionKind.Rotary)
            queriesAndKeys = RotaryPositions.Rotate(queriesAndKeys, 2 * _options.NumHeads, cell: 1, own.Position);
        var attended = own.Step(
            Heads(queriesAndKeys.narrow(2, 0, _options.DModel)), Heads(queriesAndKeys.narrow(2, _options.DModel, _options.DModel)),
            Heads(LinearFunction.Apply(_valueProjection, hidden)));
        return LinearFunction.Apply(_outputProjection, AttentionHeads.MergeFlat(attended, _options.NumHeads)).MoveToOuterDisposeScope();

        Tensor Heads(Tensor rows) => AttentionHeads.SplitFlat(rows, _options.NumHeads);
    }
}
