using System.Runtime.ExceptionServices;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Core;

/// <summary>The base class of functions with a custom backward pass and any number of outputs.</summary>
/// <remarks>
/// <para>libtorch calls a custom backward pass from native code, through which no .NET exception may propagate: it would end the process. This class catches
/// the exception (see <see cref="BackwardFailure"/>). It also asks TorchSharp not to make gradients of zeros for unused outputs, because TorchSharp would take
/// their shape from an output that may be disposed by then.</para>
/// <para>It frees the tensors that TorchSharp leaves in the caller's dispose scope: in the forward pass the outputs before they are wrapped and a copy of their
/// memory, in the backward pass the incoming gradients, the saved tensors and the returned gradients (see <see cref="ReturnedGradients"/>).</para>
/// </remarks>
/// <typeparam name="T">The function.</typeparam>
internal abstract class DifferentiableFunction<T> : MultiTensorFunction<T>
    where T : DifferentiableFunction<T>, new()
{
    private const string InvocationKey = "invocation";

    /// <inheritdoc/>
    public sealed override string Name => typeof(T).Name;

    /// <summary>Computes the outputs. Gradients are not recorded here.</summary>
    /// <param name="ctx">Saves what the backward pass needs.</param>
    /// <param name="arguments">Tensors, null, and anything else.</param>
    protected abstract IReadOnlyList<Tensor> Forward(AutogradContext ctx, object[] arguments);

    /// <summary>Computes the gradients, one per argument; null where the argument is not a tensor or needs no gradient.</summary>
    /// <param name="ctx">Holds what <see cref="Forward"/> saved.</param>
    /// <param name="gradients">
    /// One gradient per output, dense and of any strides; null where the output got none, but never for all outputs. None of them may be returned as it is.
    /// </param>
    protected abstract IReadOnlyList<Tensor?> Backward(AutogradContext ctx, IReadOnlyList<Tensor?> gradients);

    /// <summary>Calls the function. Only its outputs remain in the scope of the caller.</summary>
    protected static Tensor[] Call(params object?[] arguments)
    {
        // A prediction on the same thread is not affected by a training that failed.
        if (is_grad_enabled())
            BackwardFailure.ThrowKept();
        ReturnedGradients.Release();
        using var scope = NewDisposeScope();
        var invocation = new Invocation(arguments);
        Tensor[] outputs = [.. apply([invocation, .. arguments])];
        invocation.Failure?.Throw();
        scope.MoveToOuter(outputs);
        return outputs;
    }

    /// <inheritdoc/>
    public sealed override List<Tensor> forward(AutogradContext ctx, params object[] vars)
    {
        var invocation = (Invocation)vars[0];
        ctx.save_data(InvocationKey, invocation);
        ctx.set_materialize_grads(false);
        try
        {
            return [.. Forward(ctx, vars[1..])];
        }
        catch (Exception exception)
        {
            // TorchSharp would keep the node of a call that throws, and everything it holds, until the process ends. So this method returns, and Call throws.
            invocation.Failure = ExceptionDispatchInfo.Capture(exception);
            return [empty(0)];
        }
    }

    /// <inheritdoc/>
    public sealed override List<Tensor> backward(AutogradContext ctx, List<Tensor> grad_outputs)
    {
        ReturnedGradients.Release();
        var invocation = (Invocation)ctx.get_data(InvocationKey);
        try
        {
            using var scope = NewDisposeScope();
            return ReturnedGradients.Keep([null, .. Gradients(ctx, grad_outputs, invocation)]);
        }
        catch (Exception exception)
        {
            return ReturnedGradients.Keep([null, .. BackwardFailure.Keep(exception, Name, invocation.Inputs)]);
        }
        finally
        {
            foreach (var gradient in grad_outputs)
            {
                // TorchSharp wraps a missing gradient as well; disposing that wrapper would leave it in its scope.
                gradient.DetachFromDisposeScope();
                gradient.Dispose();
            }
        }
    }

    private IReadOnlyList<Tensor?> Gradients(AutogradContext ctx, List<Tensor> incoming, Invocation invocation)
    {
        if (is_grad_enabled())
        {
            throw new NotSupportedException(
                $"{Name} has no second derivative, so its backward pass can't be differentiated. Call backward without create_graph.");
        }
        Tensor?[] dense = [.. incoming.Select(gradient => gradient.IsInvalid ? null : gradient.is_sparse ? gradient.to_dense() : gradient)];
        if (dense.All(gradient => gradient is null))
            return new Tensor?[invocation.Inputs.Length];
        var gradients = Backward(ctx, dense);
        if (gradients.Count != invocation.Inputs.Length)
        {
            throw new InvalidOperationException(
                $"The backward pass of {Name} must return a gradient, or null, for each of the {invocation.Inputs.Length} arguments, "
                + $"but returned {gradients.Count}.");
        }
        return gradients;
    }

    /// <summary>One call of the function.</summary>
    private sealed class Invocation(object?[] arguments)
    {
        /// <summary>The shapes and types of the arguments; null where one is not a tensor. Empty where no backward pass can follow.</summary>
        public InputMetadata?[] Inputs { get; } = is_grad_enabled() ? [.. arguments.Select(InputMetadata.FromArgument)] : [];

        /// <summary>The exception of the forward pass; null where it succeeded.</summary>
        public ExceptionDispatchInfo? Failure { get; set; }
    }
}

/// <summary>The shape, type and device that the gradient of an input must have.</summary>
/// <param name="Shape">The input's shape.</param>
/// <param name="Type">The input's element type.</param>
/// <param name="Device">The input's device.</param>
internal sealed record InputMetadata(long[] Shape, ScalarType Type, Device Device)
{
    public static InputMetadata? FromArgument(object? argument) =>
        argument is Tensor { IsInvalid: false } tensor ? new(tensor.shape, tensor.dtype, tensor.device) : null;
}
