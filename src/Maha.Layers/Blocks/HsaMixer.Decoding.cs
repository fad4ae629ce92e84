using Maha.Layers.Attention;
using Maha.Layers.Hierarchies;
using static TorchSharp.torch;

namespace Maha.Layers.Blocks;

// B batch, N new tokens, D width, H heads, K head dim, b branching

public sealed partial class HsaMixer
{
    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The mixer is not causal over blocks.</exception>
    public override HsaDecoderState StartDecoding()
    {
        if (!_options.IsCausalTree || _options.Hierarchy != HierarchyKind.Blocks)
            throw new InvalidOperationException($"Decoding needs Attention HsaCausal and Hierarchy Blocks, but they are {_options.Attention} and {_options.Hierarchy}: other forms see later tokens, or trees that end later.");
        return new HsaDecoderState(_options.Branching, _options.Overlap);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Equal to the last rows of <see cref="forward"/> over all tokens so far. Time a token and memory O(b log N). What an empty state is given first, as the prompt
    /// of a language model, is taken up at once in the batch form; later tokens up to b at a time.
    /// </remarks>
    public override Tensor Decode(Tensor hidden, DecoderState state)
    {
        TensorChecks.Hidden(hidden, _options.DModel, _queryProjection, nameof(hidden));
        var own = DecoderState.Of<HsaDecoderState>(state, nameof(state));
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        long batch = hidden.shape[0], length = hidden.shape[1], headDim = _options.DModel / _options.NumHeads;
        var (query, key, value) = Project(hidden, own.Position); // [B, N, D]
        Tensor attended;
        if (own.Position == 0 && length > 1)
        {
            attended = TreeAttention.Blocks(query, key, value, _options.NumHeads, _options.Branching, Form, [.. Enumerable.Repeat((int)length, (int)batch)]);
            own.Fill(Heads(key), Heads(value));
        }
        else
        {
            attended = CachedAttention.MergeHeads(Steps(Heads(query), Heads(key), Heads(value), own, 1 / Math.Sqrt(headDim)), _options.NumHeads);
        }
        return _outputProjection.call(attended).MoveToOuterDisposeScope();

        Tensor Heads(Tensor rows) => CachedAttention.SplitHeads(rows, _options.NumHeads); // [B * H, N, K]
    }

    private static Tensor Steps(Tensor query, Tensor key, Tensor value, HsaDecoderState state, double scale)
    {
        long length = query.shape[1];
        if (length == 1)
            return state.Step(query, key, value, scale);
        var outputs = new List<Tensor>();
        for (long start = 0, count; start < length; start += count)
        {
            using var inner = NewDisposeScope();
            count = Math.Min(state.Room, length - start);
            outputs.Add(state.Step(query.narrow(1, start, count), key.narrow(1, start, count), value.narrow(1, start, count), scale).MoveToOuterDisposeScope());
        }
        return cat(outputs, 1);
    }
}
