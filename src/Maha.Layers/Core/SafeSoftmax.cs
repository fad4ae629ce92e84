using static TorchSharp.torch;

namespace Maha.Layers.Core;

/// <summary>Softmax and log-sum-exp of rows in which some or all logits may be minus infinity.</summary>
internal static class SafeSoftmax
{
    /// <summary>
    /// Computes the weights over the last dimension and the log-sum-exp of the logits: 0 and minus infinity where all logits are minus infinity.
    /// </summary>
    /// <remarks>
    /// Weights are e / sum(e): exp(logit - logsumexp) would carry the rounding of a large log-sum-exp into the sums of the rows. The maximum is a constant for
    /// the gradient, and 0 in empty rows, where minus infinity minus itself would be no number.
    /// </remarks>
    public static (Tensor Weights, Tensor LogSum) Apply(Tensor logits)
    {
        using var scope = NewDisposeScope();
        var largest = logits.detach().amax([-1]).unsqueeze(-1);
        largest = largest.masked_fill(largest.eq(double.NegativeInfinity), 0);
        var exponentials = (logits - largest).exp();
        var sum = exponentials.sum(-1, keepdim: true);
        var empty = sum.eq(0);
        var divisor = sum.masked_fill(empty, 1);
        var logSum = (divisor.log() + largest).masked_fill(empty, double.NegativeInfinity).squeeze(-1);
        return scope.MoveToOuter(exponentials / divisor, logSum);
    }
}
