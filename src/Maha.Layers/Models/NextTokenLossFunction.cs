using Maha.Layers.Core;
using Maha.Layers.Kernels;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Models;

// R rows (tokens), D width, V vocabulary, C rows per chunk

/// <summary>
/// The mean cross-entropy of next tokens, computed without holding the R x V logits. Arguments: features [R, D], weight [V, D], targets [R] of Int64
/// (negative = none), the number of targets, label smoothing, whether gradients are needed.
/// </summary>
/// <remarks>
/// Logits exist for C rows at a time. Their gradient, p - target, follows from them directly, so the forward pass also computes the gradients of features and
/// weight, and the backward pass only scales them: the same three matrix products as with all logits, exact, in memory of R * D + V * D numbers.
/// </remarks>
internal sealed class NextTokenLossFunction : SingleOutputFunction<NextTokenLossFunction>
{
    // The logits of a chunk, in elements: 16 MiB of float32. On a GPU 256 MiB, since the time of small operations is that of starting them.
    private const long ChunkElements = 1 << 22;
    private const long ChunkElementsOnGpu = 1 << 26;

    /// <summary>Returns the mean over the rows that have a target, a scalar; 0 if no row has one.</summary>
    public static Tensor Apply(Tensor features, Tensor weight, Tensor targets, long numTargets, double labelSmoothing) =>
        CallSingle(features, weight, targets, numTargets, labelSmoothing, is_grad_enabled() && (features.requires_grad || weight.requires_grad));

    /// <summary>Returns -ln p(target) of every row, [R] of Float64; 0 for a row without target.</summary>
    public static Tensor PerRow(Tensor features, Tensor weight, Tensor targets)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var losses = new List<Tensor>();
        foreach (var (start, count) in Chunks(features, weight))
        {
            using var inner = NewDisposeScope();
            var wanted = targets.narrow(0, start, count);
            var logits = LinearFunction.Apply(features.narrow(0, start, count), weight, null).to(ScalarType.Float64); // [C, V]
            losses.Add((logits.logsumexp(1) - GatherTargets(logits, wanted)).masked_fill(wanted.lt(0), 0).MoveToOuterDisposeScope());
        }
        return cat(losses, 0).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        var (features, weight, targets) = ((Tensor)arguments[0], (Tensor)arguments[1], (Tensor)arguments[2]);
        var (total, smoothing, differentiable) = ((long)arguments[3], (double)arguments[4], (bool)arguments[5]);
        using var scope = NewDisposeScope();
        long vocabulary = weight.shape[0];
        var valid = targets.ge(0);
        var sum = zeros(Array.Empty<long>(), ScalarType.Float64, features.device);
        var featureGradient = differentiable ? empty_like(features) : null;
        var precise = LossPrecision.AtLeastFloat32(weight.dtype);
        var weightGradient = differentiable ? zeros(weight.shape, precise, weight.device) : null;
        foreach (var (start, count) in Chunks(features, weight))
        {
            using var inner = NewDisposeScope();
            var (rows, wanted) = (features.narrow(0, start, count), targets.narrow(0, start, count)); // [C, D], [C]
            var isValid = valid.narrow(0, start, count).unsqueeze(1); // [C, 1]
            var logits = LossPrecision.AtLeastFloat32(LinearFunction.Apply(rows, weight, null)); // [C, V]
            var normalizer = logits.logsumexp(1, keepdim: true); // [C, 1]
            var loss = normalizer.squeeze(1) - ((1 - smoothing) * GatherTargets(logits, wanted));
            if (smoothing > 0)
                loss = loss - (smoothing * logits.mean([1]));
            sum.add_(loss.masked_fill(isValid.squeeze(1).logical_not(), 0).to(ScalarType.Float64).sum());
            if (!differentiable)
                continue;
            var gradient = logits.sub_(normalizer).exp_(); // p
            if (smoothing > 0)
                gradient.sub_(smoothing / vocabulary);
            var index = wanted.clamp_min(0).unsqueeze(1);
            gradient.scatter_add_(1, index, full([count, 1], smoothing - 1, gradient.dtype, gradient.device));
            gradient.mul_(isValid.to(gradient.dtype) / Math.Max(1, total));
            gradient = gradient.to(weight.dtype);
            featureGradient!.narrow(0, start, count).copy_(gradient.CheckedMatmul(weight));
            weightGradient!.add_(gradient.t().CheckedMatmul(rows));
        }
        if (differentiable)
            ctx.save_for_backward([featureGradient!.MoveToOuterDisposeScope(), weightGradient!.to(weight.dtype).MoveToOuterDisposeScope()]);
        return (sum / Math.Max(1, total)).to(LossPrecision.AtLeastFloat32(features.dtype)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var saved = ctx.get_saved_variables();
        return [saved[0] * gradient, saved[1] * gradient, null, null, null, null];
    }

    // Returns the logits of the targets, [C]; the value of a row without target has no meaning.
    private static Tensor GatherTargets(Tensor logits, Tensor targets) => logits.gather(1, targets.clamp_min(0).unsqueeze(1)).squeeze(1);

    private static IEnumerable<(long Start, long Count)> Chunks(Tensor features, Tensor weight)
    {
        long elements = features.device_type == DeviceType.CPU ? ChunkElements : ChunkElementsOnGpu;
        long rows = features.shape[0], chunk = Math.Clamp(elements / weight.shape[0], 1, rows);
        for (long start = 0; start < rows; start += chunk)
            yield return (start, Math.Min(chunk, rows - start));
    }
}
