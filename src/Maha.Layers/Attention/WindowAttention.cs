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
        var key = Neighbors(Blocked(packed.narrow(2, width, width))); // [B, M, H, 3w, K]
        var value = Neighbors(Blocked(values.masked_fill(invalid.unsqueeze(-1), 0))); // [B, M, H, 3w, K]
        var hidden = Hidden(); // [B, M, 1, 1 or w, 3w]

        // A finite floor instead of minus infinity: a row without keys (padding) stays a number and its gradient 0. exp of it is 0 beside any real score.
        double floor = values.dtype == ScalarType.Float16 ? -6e4 : -1e30;
        var scores = (query / Math.Sqrt(plan.HeadDim)).matmul(key.transpose(-2, -1)).masked_fill(hidden, floor); // [B, M, H, w, 3w]
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

        Tensor Hidden()
        {
            var first = arange(blocks, dtype: ScalarType.Int64, device: values.device).unsqueeze(-1) * block; // [M, 1]
            var position = first - block + arange((plan.Causal ? 2 : 3) * block, dtype: ScalarType.Int64, device: values.device); // [M, 3w]
            var ends = tensor([.. validLengths.Select(n => (long)n)], [batch, 1, 1], device: values.device); // [B, 1, 1]
            var outside = position.lt(0).unsqueeze(0).logical_or(position.unsqueeze(0).ge(ends)).unsqueeze(2).unsqueeze(3); // [B, M, 1, 1, 3w]
            if (!plan.Causal)
                return outside;
            var own = first.unsqueeze(-1) + arange(block, dtype: ScalarType.Int64, device: values.device).unsqueeze(-1); // [M, w, 1]
            return outside.logical_or(position.unsqueeze(1).gt(own).unsqueeze(1)); // [B, M, 1, w, 2w]
        }
    }
}
