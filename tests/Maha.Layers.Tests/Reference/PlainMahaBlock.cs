using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Tests.Reference;

// B documents, N tokens with padding, n tokens of a document, D width, H heads, K = D / H,
// S scales, r compression ratio, n_s = ceil(n / r^s) tokens at scale s, w window

/// <summary>One MAHA block without kernels, masks and dropout: the slow equivalent of MahaBlock with MAHA attention.</summary>
internal sealed class PlainMahaBlock(
    IReadOnlyDictionary<string, Tensor> weights, int numHeads, int window, int ratio, int numScales, double rho, double tau, double f,
    bool residual = false)
{
    /// <summary>Applies the block to x [B, N, D], whose document b has lengths[b] tokens followed by padding.</summary>
    public Tensor Forward(Tensor x, int[] lengths)
    {
        // Every document is mixed on its own, so that padding can't have an effect.
        var mixed = lengths.Select((n, b) => Pad(Mix(x[b].narrow(0, 0, n)), x.shape[1])); // B x [N, D]
        var y = LayerNorm(x + stack(mixed), "mixer_norm"); // [B, N, D]
        return LayerNorm(y + FeedForward(y), "feed_forward_norm"); // [B, N, D]
    }

    private Tensor Mix(Tensor x)
    {
        // Section 4.4: each token with the tokens two before and two after it.
        var features = Convolve(x, "mixer.local_conv", stride: 1, dilation: 2).relu(); // [n, D]
        if (residual)
            features = features + x;

        // Section 4.2: one projection makes the values of all scales.
        var values = Linear(features, "mixer.v_proj"); // [n, D]
        var outputs = new List<Tensor>(); // S x [n, D]
        for (long scale = 0, cell = 1; ; scale++, cell *= ratio)
        {
            // Equation 8: attention inside the scale. Equation 13: each coarse token repeated for its r^s tokens.
            var queriesAndKeys = Linear(features, $"mixer.qk_projs.{scale}"); // [n_s, 2D]
            var attended = Attend(queriesAndKeys, values); // [n_s, D]
            outputs.Add(attended.repeat_interleave(cell, 0).narrow(0, 0, x.shape[0])); // [n, D]
            if (scale == numScales - 1 || features.shape[0] <= 2 * window)
            {
                break;
            }

            // Equations 5 and 6: features and values of the next scale, by the same convolution.
            features = Convolve(features, $"mixer.decomposition.downsamplers.{scale}", ratio, dilation: 1); // [n_(s+1), D]
            values = Convolve(values, $"mixer.decomposition.downsamplers.{scale}", ratio, dilation: 1); // [n_(s+1), D]
        }

        // Section 4.3: the sum of the scales, each times its weight for the token.
        var scales = stack(outputs); // [S, n, D]
        return (scales * ScaleWeights(scales).unsqueeze(-1)).sum([0]); // [n, D]
    }

    private Tensor Attend(Tensor queriesAndKeys, Tensor values)
    {
        long length = values.shape[0], width = values.shape[1], headDim = width / numHeads;
        var heads = cat([queriesAndKeys, values], 1).reshape(length, 3, numHeads, headDim).permute(1, 2, 0, 3); // [3, H, n_s, K]
        var scores = heads[0].matmul(heads[1].transpose(1, 2)) / Math.Sqrt(headDim); // [H, n_s, n_s]

        // A token attends to its own block of w tokens and to both neighboring blocks.
        var block = arange(length).floor_divide(window); // [n_s]
        var isFar = (block.unsqueeze(1) - block.unsqueeze(0)).abs() > 1; // [n_s, n_s]
        var attention = scores.masked_fill(isFar, double.NegativeInfinity).softmax(-1); // [H, n_s, n_s]
        return attention.matmul(heads[2]).transpose(0, 1).reshape(length, width); // [n_s, D]
    }

    private Tensor ScaleWeights(Tensor scales)
    {
        // The outputs of the scales, brought to a mean square of 1.
        var units = scales / (scales.square().mean([-1], keepdim: true) + 1e-6).sqrt(); // [S, n, D]

        // The utility of each scale for each token, learned, and the weights that the utilities alone would give.
        var bias = weights["mixer.aggregation.utility_bias"].narrow(0, 0, scales.shape[0]).unsqueeze(-1); // [S, 1]
        var utility = units.matmul(weights["mixer.aggregation.utility"]) / Math.Sqrt(scales.shape[2]) + bias; // [S, n]
        var preference = (utility / tau).softmax(0); // [S, n]

        // How alike two scales are: the mean product of their outputs.
        var gram = units.flatten(1).matmul(units.flatten(1).t()) / units[0].numel(); // [S, S]
        var matrix = eye(scales.shape[0], dtype: gram.dtype) + rho * gram; // [S, S]

        // The part f of the weights is the preference; the program decides over the rest.
        var rest = MinimizeOnSimplex(matrix, (preference - f * matrix.matmul(preference)) / (1 - f)); // [S, n]
        return f * preference + (1 - f) * rest;
    }

    /// <summary>The a with a >= 0 and sum 1 that minimizes 1/2 a^T M a - c^T a (equation 9), for each column of c [S, n].</summary>
    private static Tensor MinimizeOnSimplex(Tensor matrix, Tensor c)
    {
        int numScales = (int)c.shape[0];
        var (best, least) = (zeros_like(c), full_like(c[0], double.PositiveInfinity)); // [S, n], [n]
        for (int subset = 1; subset < 1 << numScales; subset++)
        {
            // The minimum with sum 1 where only the k scales of the subset have a weight: M a - c is one number on them.
            int[] members = [.. Enumerable.Range(0, numScales).Where(scale => (subset >> scale & 1) == 1)];
            var indices = tensor(members, ScalarType.Int64); // [k]
            var inverse = matrix.index_select(0, indices).index_select(1, indices).inverse(); // [k, k]
            var free = inverse.matmul(c.index_select(0, indices)); // [k, n]
            var direction = inverse.sum([1], keepdim: true); // [k, 1]
            var solution = free + direction * ((1 - free.sum([0])) / direction.sum()); // [k, n]
            var a = zeros_like(c).index_add(0, indices, solution, 1); // [S, n]

            // Of all these solutions without a negative weight, the one of the least cost is the minimum.
            var cost = (a * (matrix.matmul(a) / 2 - c)).sum([0]); // [n]
            var isBetter = a.ge(0).all(0).logical_and(cost < least); // [n]
            (best, least) = (a.where(isBetter, best), cost.where(isBetter, least));
        }

        return best;
    }

    private Tensor FeedForward(Tensor x) =>
        Linear(functional.gelu(Linear(x, "feed_forward.expand")), "feed_forward.contract"); // [B, N, D], inside [B, N, F]

    private Tensor Linear(Tensor x, string name) =>
        functional.linear(x, weights[$"{name}.weight"], weights.GetValueOrDefault($"{name}.bias"));

    private Tensor LayerNorm(Tensor x, string name) =>
        functional.layer_norm(x, [x.shape[^1]], weights[$"{name}.weight"], weights[$"{name}.bias"], eps: 1e-5);

    // A depthwise convolution: every channel has three weights of its own. Outside the document there are zeros.
    private Tensor Convolve(Tensor x, string name, int stride, int dilation)
    {
        var (weight, bias) = (weights[$"{name}.conv.weight"], weights[$"{name}.conv.bias"]); // [D, 1, 3], [D]
        var channels = x.t().unsqueeze(0); // [1, D, n]
        return functional.conv1d(channels, weight, bias, stride, padding: dilation, dilation, groups: x.shape[1])[0].t(); // [n_s, D]
    }

    private static Tensor Pad(Tensor x, long length) => functional.pad(x, [0, 0, 0, length - x.shape[0]]);
}
