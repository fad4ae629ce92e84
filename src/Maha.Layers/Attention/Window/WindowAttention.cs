using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, D width, H heads, K head dim, w window, M blocks

/// <summary>Softmax attention inside windows: a block of w tokens attends to its own and both neighboring blocks.</summary>
/// <remarks>
/// Cost: 12 * w * D * N floating-point operations, memory O(N * D). Runs in kernels on the CPU, in those of <see cref="CudaWindowAttention"/> on CUDA devices
/// in float32 and bfloat16 for heads of width 32, 64 or 128, and by <see cref="Fallback"/> otherwise.
/// </remarks>
internal static class WindowAttention
{
    /// <summary>Computes the attention. Invalid tokens are masked, and their output is 0.</summary>
    /// <param name="queriesAndKeys">[B, N, 2D], the queries first.</param>
    /// <param name="values">[B, N, D].</param>
    /// <param name="plan">The heads and the window.</param>
    /// <param name="validLengths">Valid tokens per document.</param>
    /// <returns>[B, N, D].</returns>
    public static Tensor Apply(Tensor queriesAndKeys, Tensor values, WindowPlan plan, int[] validLengths) =>
        ApplyAll([new WindowOperands(queriesAndKeys, values, plan, validLengths)])[0];

    /// <summary>Computes the attention of several scales, on a CUDA device in one launch.</summary>
    /// <returns>[B, N, D] per scale.</returns>
    public static Tensor[] ApplyAll(IReadOnlyList<WindowOperands> scales)
    {
        if (TensorMemory.Reachable(scales[0].Values))
            return [.. scales.Select(scale => WindowAttentionFunction.Apply(scale.QueriesAndKeys, scale.Values, scale.Plan, scale.ValidLengths))];
        return CudaWindowAttention.TryCreate(scales) is { } attention
            ? CudaWindowFunction.Apply(scales, attention)
            : [.. scales.Select(scale => Fallback(scale.QueriesAndKeys, scale.Values, scale.Plan, scale.ValidLengths))];
    }

    /// <summary>Computes the same by tensor operators, on every device and in every element type. The tests compare the kernels with it.</summary>
    public static Tensor Fallback(Tensor queriesAndKeys, Tensor values, WindowPlan plan, int[] validLengths)
    {
        using var scope = NewDisposeScope();
        long batch = plan.Batch, length = plan.Length, block = plan.BlockLength, blocks = plan.Blocks, width = values.shape[2];
        bool unpadded = validLengths.All(n => n >= length);
        var padding = TokenMasks.Padding(validLengths, length, values.device); // [B, N]
        var packed = TokenMasks.Clear(queriesAndKeys, padding);
        var query = Heads(Blocked(packed.narrow(2, 0, width))); // [B * M, H, w, K]
        var keysAndValues = WithGlobal(cat([packed.narrow(2, width, width), TokenMasks.Clear(values, padding)], -1)); // [B, M, g + 3w, 2D]
        var key = Heads(keysAndValues.narrow(-1, 0, width)); // [B * M, H, g + 3w, K]
        var value = Heads(keysAndValues.narrow(-1, width, width)); // [B * M, H, g + 3w, K]

        // A finite floor instead of minus infinity: a row without keys (padding) stays a number with gradient 0. exp of the floor is 0 next to any real score.
        var hidden = Hidden(); // [B or 1, M, 1 or w, g + 3w]
        var bias = zeros_like(hidden, values.dtype).masked_fill(hidden, FullAttention.Floor(values.dtype));
        bias = bias.expand(batch, -1, -1, -1).flatten(0, 1).unsqueeze(1).expand(-1, plan.Heads, block, -1); // [B * M, H, w, g + 3w]
        var attended = FusedAttention.Apply(query, key, value, bias); // [B * M, H, w, K]
        var tokens = attended.transpose(1, 2).reshape(batch, blocks * block, width).narrow(1, 0, length); // [B, N, D]
        return TokenMasks.Clear(tokens, padding).MoveToOuterDisposeScope();

        // [B, N, D] as [B, M, w, D], zeros after the last token.
        Tensor Blocked(Tensor rows) =>
            (blocks * block == length ? rows : functional.pad(rows, [0, 0, 0, (blocks * block) - length])).unflatten(1, blocks, block);

        // [B, M, n, D] as [B * M, H, n, K].
        Tensor Heads(Tensor rows) => AttentionHeads.Split(rows.flatten(0, 1), plan.Heads);

        // The blocks b - 1, b and b + 1 of every block b in a row (causal: b - 1 and b), zeros before the first and after the last.
        Tensor Neighbors(Tensor rows)
        {
            var padded = functional.pad(rows, [0, 0, 0, 0, 1, 1]); // [B, M + 2, w, D]
            return cat([.. Enumerable.Range(0, plan.Causal ? 2 : 3).Select(shift => padded.narrow(1, shift, blocks))], 2);
        }

        // The global keys before the neighbors of every block.
        Tensor WithGlobal(Tensor rows)
        {
            var neighbors = Neighbors(Blocked(rows));
            if (plan.GlobalKeys == 0)
                return neighbors;
            var global = functional.pad(rows.narrow(1, 0, Math.Min(plan.GlobalKeys, length)), [0, 0, 0, Math.Max(0, plan.GlobalKeys - length)]); // [B, g, 2D]
            return cat([global.unsqueeze(1).expand(-1, blocks, -1, -1), neighbors], 2);
        }

        // The mask of every block, true = masked.
        Tensor Hidden()
        {
            var device = values.device;
            var start = (arange(blocks, dtype: ScalarType.Int64, device: device) * block).reshape(blocks, 1, 1); // [M, 1, 1]
            var own = start + arange(block, dtype: ScalarType.Int64, device: device).unsqueeze(-1); // [M, w, 1]
            var near = start - block + arange((plan.Causal ? 2 : 3) * block, dtype: ScalarType.Int64, device: device); // [M, 1, 3w]

            // Documents without padding share one mask, which is made on the device.
            var ends = unpadded
                ? full([1, 1, 1, 1], length, ScalarType.Int64, device)
                : tensor([.. validLengths.Select(n => (long)n)], [batch, 1, 1, 1], device: device);
            var unseen = near.lt(0); // [M, 1 or w, 3w]
            if (plan.Causal)
                unseen = unseen.logical_or(near.gt(own));
            if (plan.Band)
                unseen = unseen.logical_or((near - own).abs().gt(plan.Window).logical_and(near.ge(plan.GlobalKeys)));
            var hidden = unseen.unsqueeze(0).logical_or(near.unsqueeze(0).ge(ends)); // [B or 1, M, 1 or w, 3w]
            if (plan.GlobalKeys > 0)
            {
                // A global key inside the window must not count twice.
                var global = arange(plan.GlobalKeys, dtype: ScalarType.Int64, device: device).reshape(1, 1, plan.GlobalKeys); // [1, 1, g]
                var twice = global.ge(start - block).unsqueeze(0).logical_or(global.unsqueeze(0).ge(ends)); // [B, M, 1, g]
                hidden = cat([twice.expand(-1, -1, hidden.shape[2], -1), hidden], 3);
            }
            return hidden;
        }
    }
}
