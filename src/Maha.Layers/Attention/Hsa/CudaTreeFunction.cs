using Maha.Layers.Core;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Attention;

// B batch, N length, D width

/// <summary>
/// The autograd function of <see cref="CudaTreeAttention"/>. Arguments: query, key, value [B, N, D] as the kernels read them, or the three side by side in one
/// tensor [B, N, 3 * D], then the attention.
/// </summary>
internal sealed class CudaTreeFunction : SingleOutputFunction<CudaTreeFunction>
{
    private const string AttentionKey = "attention";

    /// <summary>Computes hierarchical attention, [B, N, D]; 0 after a document's tokens.</summary>
    public static Tensor Apply(TreeOperands operands, CudaTreeAttention attention)
    {
        using var scope = NewDisposeScope();
        var readable = attention.Readable(operands);
        var output = is_grad_enabled() && readable.Tensors.Any(tensor => tensor.requires_grad)
            ? CallSingle([.. readable.Tensors, attention])
            : attention.Forward(readable, keepsMixed: false).Output;
        return output.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        Tensor[] operands = [.. arguments.OfType<Tensor>()];
        var attention = (CudaTreeAttention)arguments[^1];
        var (output, mixed, state) = attention.Forward(new TreeOperands(operands), keepsMixed: true);

        // A saved output would keep the function alive that saves it; another tensor on its memory does not.
        ctx.save_for_backward([.. operands, ReferenceEquals(mixed, output) ? output.detach() : mixed, state]);
        ctx.save_data(AttentionKey, attention);
        return output;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var saved = ctx.get_saved_variables();
        var attention = (CudaTreeAttention)ctx.get_data(AttentionKey);
        return [.. attention.Backward(new TreeOperands([.. saved.SkipLast(2)]), saved[^2], saved[^1], gradient).Tensors, null];
    }
}
