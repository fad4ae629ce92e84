using Maha.Layers.Core;
using Maha.Layers.Kernels;
using Maha.Layers.Trees;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N new tokens, D width, H heads, K head dim, b branching

internal sealed partial class HsaMixer
{
    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The mixer is not causal over blocks.</exception>
    internal override DecoderState StartDecoding()
    {
        if (!_hsa.IsCausalIn(_options) || _hsa.Hierarchy != HierarchyKind.Blocks)
        {
            throw new InvalidOperationException(
                $"Decoding needs Attention HsaCausal and Hierarchy Blocks, but they are {_hsa.Kind} and {_hsa.Hierarchy}: " +
                "other forms see later tokens, or trees that end later.");
        }
        return new HsaDecoderState(_hsa.Branching, _hsa.Overlap);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Equal to the last rows of <see cref="forward"/> over all tokens so far. Time per token and memory O(b log N). The first tokens of an empty state, for
    /// example the prompt of a language model, are computed together in the batch form, and later tokens one by one.
    /// </remarks>
    internal override Tensor Decode(Tensor hidden, DecoderState state)
    {
        TensorChecks.Hidden(hidden, _options.DModel, _queryProjection, nameof(hidden));
        var own = DecoderState.Cast<HsaDecoderState>(state, nameof(state));
        own.CheckTree(_hsa.Branching, _hsa.Overlap);
        long batch = hidden.shape[0], length = hidden.shape[1];
        own.Check((int)batch * _options.NumHeads, _options.DModel / _options.NumHeads, hidden.dtype);
        using var noGradient = no_grad();
        if (length == 1 && TensorMemory.Reachable(hidden))
        {
            Linear[] projections = [_queryProjection, _keyProjection, _valueProjection, _outputProjection];
            return HsaDecoderStep.Apply(hidden, projections, _options.NumHeads, _options.Positions == PositionKind.Rotary, own);
        }
        using var scope = NewDisposeScope();
        var operands = Project(hidden, own.Position);
        Tensor attended;
        if (own.Position == 0 && length > 1)
        {
            int[] lengths = [.. Enumerable.Repeat((int)length, (int)batch)];
            attended = TreeAttention.Blocks(operands, _options.NumHeads, _hsa.Branching, Form, lengths);
            own.Append(operands.Key, operands.Value, _options.NumHeads);
        }
        else
        {
            attended = own.Step(operands.Query, operands.Key, operands.Value, _options.NumHeads);
        }
        return _outputProjection.call(attended).MoveToOuterDisposeScope();
    }
}
