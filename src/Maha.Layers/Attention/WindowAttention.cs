using Maha.Layers.Kernels;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, D width, H heads, K head dim, w window, M blocks

/// <summary>Softmax attention inside windows: a block of w tokens attends to its own and both neighboring blocks.</summary>
/// <remarks>Cost: 12 * w * D * N floating-point operations, memory O(N * D). On the processor by kernels, elsewhere by <see cref="Plain"/>.</remarks>
internal static class WindowAttention
{
    /// <summary>Attends; invalid tokens give 0 and are nobody's key.</summary>
    /// <param name="queriesAndKeys">[B, N, 2D], the queries first.</param>
    /// <param name="values">[B, N, D].</param>
    /// <param name="plan">Heads and window.</param>
    /// <param name="validLengths">Valid tokens per document.</param>
    /// <returns>[B, N, D].</returns>
    public static Tensor Apply(Tensor queriesAndKeys, Tensor values, WindowPlan plan, int[] validLengths) =>
        TensorMemory.Reachable(values)
            ? WindowAttentionFunction.Apply(queriesAndKeys, values, plan, validLengths)
            : Plain(queriesAndKeys, values, plan, validLengths);

    /// <summary>The same by tensor operators, for every device and type; also the kernels' twin in the tests.</summary>
    public static Tensor Plain(Tensor queriesAndKeys, Tensor values, WindowPlan plan, int[] validLengths)
    {
        using var scope = NewDisposeScope();
        long batch = plan.Batch, length = plan.Length, block = plan.BlockLength, blocks = plan.Blocks, width = values.shape[2];
        var invalid = TokenMasks.Invalid(validLengths, length, values.device); // [B, N]
        var packed = queriesAndKeys.masked_fill(invalid.unsqueeze(-1), 0);
        var query = Blocked(packed.narrow(2, 0, width)); // [B, M, H, w, K]
        var key = WithGlobal(packed.narrow(2, width, width)); // [B, M, H, g + 3w, K]
        var value = WithGlobal(values.masked_fill(invalid.unsqueeze(-1), 0)); // [B, M, H, g + 3w, K]
        var hidden = Hidden(); // [B, M, 1, w, g + 3w]

        // A finite floor instead of minus infinity: a row without keys (padding) stays a number and its gradient 0. exp of it is 0 beside any real score.
        double floor = values.dtype == ScalarType.Float16 ? -6e4 : -1e30;
        var scores = (query / Math.Sqrt(plan.HeadDim)).matmul(key.transpose(-2, -1)).masked_fill(hidden, floor); // [B, M, H, w, g + 3w]
        var attended = scores.softmax(-1).matmul(value); // [B, M, H, w, K]
        var tokens = attended.transpose(2, 3).reshape(batch, blocks * block, width).narrow(1, 0, length);
        return tokens.masked_fill(invalid.unsqueeze(-1), 0).MoveToOuterDisposeScope();

        Tensor Blocked(Tensor rows) =>
            functional.pad(rows, [0, 0, 0, (blocks * block) - length]).reshape(batch, blocks, block, plan.Heads, plan.HeadDim).transpose(2, 3);

        // Blocks b - 1, b and b + 1 behind each other (causal: b - 1 and b); zeros beyond the ends.
        Tensor Neighbors(Tensor rows)
        {
            var padded = functional.pad(rows, [0, 0, 0, 0, 0, 0, 1, 1]); // [B, M + 2, H, w, K]
            return cat([.. Enumerable.Range(0, plan.Causal ? 2 : 3).Select(shift => padded.narrow(1, shift, blocks))], 3);
        }

        Tensor WithGlobal(Tensor rows)
        {
            var neighbors = Neighbors(Blocked(rows));
            if (plan.GlobalKeys == 0)
                return neighbors;
            var global = functional.pad(rows.narrow(1, 0, Math.Min(plan.GlobalKeys, length)), [0, 0, 0, Math.Max(0, plan.GlobalKeys - length)]);
            var heads = global.reshape(batch, 1, plan.GlobalKeys, plan.Heads, plan.HeadDim).transpose(2, 3); // [B, 1, H, g, K]
            return cat([heads.expand(-1, blocks, -1, -1, -1), neighbors], 3);
        }

        Tensor Hidden()
        {
            var device = values.device;
            var start = (arange(blocks, dtype: ScalarType.Int64, device: device) * block).reshape(blocks, 1, 1); // [M, 1, 1]
            var own = start + arange(block, dtype: ScalarType.Int64, device: device).unsqueeze(-1); // [M, w, 1]
            var near = start - block + arange((plan.Causal ? 2 : 3) * block, dtype: ScalarType.Int64, device: device); // [M, 1, 3w]
            var ends = tensor([.. validLengths.Select(n => (long)n)], [batch, 1, 1, 1], device: device);
            var unseen = near.lt(0).logical_or(near.gt(plan.Causal ? own : own + length)); // [M, w, 3w]
            if (plan.Band)
                unseen = unseen.logical_or((near - own).abs().gt(plan.Window).logical_and(near.ge(plan.GlobalKeys)));
            var hidden = unseen.unsqueeze(0).logical_or(near.unsqueeze(0).ge(ends)); // [B, M, w, 3w]
            if (plan.GlobalKeys > 0)
            {
                // A global key inside the window is there already.
                var global = arange(plan.GlobalKeys, dtype: ScalarType.Int64, device: device).reshape(1, 1, plan.GlobalKeys); // [1, 1, g]
                var twice = global.ge(start - block).unsqueeze(0).logical_or(global.unsqueeze(0).ge(ends)); // [B, M, 1, g]
                hidden = cat([twice.expand(-1, -1, block, -1), hidden], 3);
            }
            return hidden.unsqueeze(2);
        }
    }
}
