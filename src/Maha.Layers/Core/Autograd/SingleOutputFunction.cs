using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Core;

/// <summary>A <see cref="DifferentiableFunction{T}"/> with one output.</summary>
/// <typeparam name="T">The function.</typeparam>
internal abstract class SingleOutputFunction<T> : DifferentiableFunction<T>
    where T : SingleOutputFunction<T>, new()
{
    /// <summary>Computes the output. Gradients are not recorded here.</summary>
    /// <param name="ctx">Saves what the backward pass needs.</param>
    /// <param name="arguments">Tensors, null, and anything else.</param>
    protected abstract Tensor ForwardSingle(AutogradContext ctx, object[] arguments);

    /// <summary>Computes the gradients, one per argument; null where the argument is not a tensor or needs no gradient.</summary>
    /// <param name="ctx">Holds what <see cref="ForwardSingle"/> saved.</param>
    /// <param name="gradient">The gradient of the output, dense and of any strides. It may not be returned as it is.</param>
    protected abstract IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient);

    /// <inheritdoc cref="DifferentiableFunction{T}.Call"/>
    protected static Tensor CallSingle(params object?[] arguments) => Call(arguments)[0];

    /// <summary>Calls the function with contiguous tensors, as the kernels require. Only its output remains in the scope of the caller.</summary>
    protected static Tensor CallContiguous(params object?[] arguments)
    {
        using var scope = NewDisposeScope();
        return CallSingle([.. arguments.Select(argument => argument is Tensor tensor ? tensor.contiguous() : argument)]).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected sealed override IReadOnlyList<Tensor> Forward(AutogradContext ctx, object[] arguments) => [ForwardSingle(ctx, arguments)];

    /// <inheritdoc/>
    protected sealed override IReadOnlyList<Tensor?> Backward(AutogradContext ctx, IReadOnlyList<Tensor?> gradients) => BackwardSingle(ctx, gradients[0]!);
}
