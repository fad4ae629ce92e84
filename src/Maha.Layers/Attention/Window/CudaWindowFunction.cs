using Maha.Layers.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Attention;

// B batch, N length, D width

/// <summary>
/// The autograd function of <see cref="CudaWindowAttention"/>. Arguments: the queries and keys of every scale [B, N, 2D], the values of every scale [B, N, D],
/// then the attention.
/// </summary>
internal sealed class CudaWindowFunction : DifferentiableFunction<CudaWindowFunction>
{
    private const string AttentionKey = "attention";

    /// <summary>Computes windowed attention at every scale, [B, N, D] each; 0 after a document's tokens.</summary>
    public static Tensor[] Apply(IReadOnlyList<WindowOperands> scales, CudaWindowAttention attention)
    {
        using var scope = NewDisposeScope();
        Tensor[] operands =
        [
            .. scales.Select(scale => attention.Readable(scale.QueriesAndKeys)), .. scales.Select(scale => attention.Readable(scale.Values)),
        ];
        var outputs = is_grad_enabled() && operands.Any(tensor => tensor.requires_grad)
            ? Call([.. operands, attention])
            : attention.Forward(operands).Outputs;
        scope.MoveToOuter(outputs);
        return outputs;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor> Forward(AutogradContext ctx, object[] arguments)
    {
        Tensor[] operands = [.. arguments.OfType<Tensor>()];
        var attention = (CudaWindowAttention)arguments[^1];
        var (outputs, state) = attention.Forward(operands);

        // A saved output would keep the function alive that saves it; another tensor on its memory does not.
        ctx.save_for_backward([.. operands, .. outputs.Select(output => output.detach()), state]);
        ctx.save_data(AttentionKey, attention);
        return outputs;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> Backward(AutogradContext ctx, IReadOnlyList<Tensor?> gradients)
    {
        Tensor[] saved = [.. ctx.get_saved_variables()];
        var attention = (CudaWindowAttention)ctx.get_data(AttentionKey);
        int count = gradients.Count;
        return [.. attention.Backward(saved[..(2 * count)], saved[(2 * count)..(3 * count)], saved[^1], gradients), null];
    }
}
