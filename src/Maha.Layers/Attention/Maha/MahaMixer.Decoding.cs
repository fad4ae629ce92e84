using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N new tokens, N' coarse tokens that they complete, S scales, D width, H heads, r compression ratio

internal sealed partial class MahaMixer
{
    // The number of earlier tokens that the local convolution reads: (kernel - 1) * dilation.
    private const int LocalReach = 4;

    // The number of tokens of a prompt that are computed at a time, with their outputs of all scales in memory at once.
    private const long ChunkTokens = 2048;

    /// <inheritdoc/>
    internal override DecoderState StartDecoding() => _options.IsCausal
        ? new MahaDecoderState(_numScales, _maha.Window)
        : throw NotCausal();

    /// <inheritdoc/>
    /// <remarks>
    /// The result equals the last rows of <see cref="forward"/> for all tokens so far. Time per token at most O(D^2 + S * w * D), since a scale computes 1 /
    /// r^s of the tokens; memory O(S * (w + r) * D), whatever the length.
    /// </remarks>
    internal override Tensor Decode(Tensor hidden, DecoderState state)
    {
        TensorChecks.Hidden(hidden, _options.DModel, _valueProjection, nameof(hidden));
        var own = DecoderState.Cast<MahaDecoderState>(state, nameof(state));
        if (own.Inputs is not null)
            DecoderState.SameSequences(own.Inputs, hidden);
        using var noGradient = no_grad();
        return SequenceChunks.Apply(hidden, ChunkTokens, chunk => Continue(chunk, own));
    }

    private Tensor Continue(Tensor hidden, MahaDecoderState state)
    {
        int batch = (int)hidden.shape[0], count = (int)hidden.shape[1];
        var inputs = cat([state.Inputs ?? zeros([batch, LocalReach, _options.DModel], hidden.dtype, hidden.device), hidden], 1);
        state.Keep(inputs.narrow(1, count, LocalReach));
        var features = _localConvolution.call(inputs, Lengths(batch, count + LocalReach, count + LocalReach)).narrow(1, LocalReach, count); // [B, N, D]
        if (_maha.LocalResidual)
            features = features + hidden;
        var values = LinearFunction.Apply(_valueProjection, features);
        var upsampled = new Tensor[_numScales];
        bool[] missing = new bool[count * _numScales];
        long cell = 1;
        for (int scale = 0; scale < _numScales; scale++)
        {
            var cache = state.Scales[scale];
            if (scale > 0)
            {
                // A cell beyond all lengths never completes.
                cell = cell > long.MaxValue / _maha.CompressionRatio ? long.MaxValue : cell * _maha.CompressionRatio;
                features = features is null ? null : cache.Features.Step(features, _maha.CompressionRatio, Reduce);
                values = values is null ? null : cache.Values.Step(values, _maha.CompressionRatio, Reduce);
            }
            upsampled[scale] = Upsampled(cache, scale, cell, features, values, hidden, state.Position);
            for (int i = 0; i < count; i++)
                missing[(i * _numScales) + scale] = state.Position + i + 1 < cell;

            Tensor Reduce(Tensor rows, int cells) => _decomposition.Reduce(scale, rows, Lengths(batch, (int)rows.shape[1], cells), _maha.CompressionRatio);
        }
        state.Advance(count);
        var aggregated = _aggregation.call(new ScaleOutputs(upsampled)
        {
            IsCausal = true,
            UnavailableScales = missing.Contains(true)
                ? tensor(missing, [1, count, _numScales], device: hidden.device).expand(batch, count, _numScales).contiguous()
                : null,
            RelativeCosts = CausalCosts(batch, hidden),
        });
        return aggregated.Output;
    }

    // The output of a scale for the new tokens, [B, N, D]: that of the last coarse token that is complete at each token; 0 before the first.
    private Tensor Upsampled(ScaleCache cache, int scale, long cell, Tensor? features, Tensor? values, Tensor hidden, long position)
    {
        long count = hidden.shape[1], before = cache.Window.Position;
        var last = cache.LastOutput ?? zeros([hidden.shape[0], 1, _options.DModel], hidden.dtype, hidden.device);
        if (features is null)
            return last.expand(-1, count, -1).contiguous();
        var queriesAndKeys = LinearFunction.Apply(_queryKeyProjections[scale], features); // [B, N', 2D]
        if (_options.Positions == PositionKind.Rotary)
            queriesAndKeys = RotaryPositions.Rotate(queriesAndKeys, 2 * _options.NumHeads, cell, before);
        var (query, key) = (queriesAndKeys.narrow(2, 0, _options.DModel), queriesAndKeys.narrow(2, _options.DModel, _options.DModel));
        var attended = cache.Window.Step(Heads(query), Heads(key), Heads(values!));
        var outputs = AttentionHeads.MergeFlat(attended, _options.NumHeads); // [B, N', D]
        var result = outputs;
        if (cell > 1)
        {
            long[] rows = new long[count];
            for (int i = 0; i < count; i++)
                rows[i] = ((position + i + 1) / cell) - before;
            result = cat([last, outputs], 1).index_select(1, tensor(rows, device: hidden.device)); // [B, N, D]
        }
        cache.KeepLast(outputs);
        return result;

        Tensor Heads(Tensor rows) => AttentionHeads.SplitFlat(rows, _options.NumHeads);
    }

    // All documents have all tokens.
    private static ConvolutionLengths Lengths(int batch, int length, int outputLength) => new(
        [.. Enumerable.Repeat(length, batch)], [.. Enumerable.Repeat(outputLength, batch)], outputLength);
}
