using System.Runtime.InteropServices;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Layers.Core;

/// <summary>Runs backward passes for a training loop of your own, as <see cref="Trainer"/> runs its.</summary>
/// <remarks>
/// <para>The layers' own derivatives are called by libtorch, whose native code no exception of .NET may cross. Where one fails (its model was disposed in between, an input was changed in place), the
/// exception is kept: <see cref="Run"/> throws it, as it was, when the pass has ended. Plain <c>loss.backward()</c> is stopped with libtorch's exception about a gradient of a wrong shape,
/// and the next call of a layer on the same thread, outside <c>no_grad</c>, throws an <see cref="InvalidOperationException"/> with the kept one inside. <c>autograd.grad</c> comes to its end with zeros in
/// place of gradients, and the next call of a layer throws.</para>
/// <para>After plain <c>loss.backward()</c> the gradients that the last of the layers' derivatives returned stay in memory until the next call of a layer on the same thread; <see cref="Run"/> frees
/// them. In both cases nothing collects in a dispose scope around the loop.</para>
/// </remarks>
public static class BackwardPass
{
    /// <summary>Adds the gradients of a loss to the <c>grad</c> of the parameters it depends on.</summary>
    /// <param name="loss">A scalar that requires gradients.</param>
    /// <exception cref="ArgumentException">The loss is no scalar, or requires no gradient.</exception>
    public static void Run(Tensor loss)
    {
        ArgumentNullException.ThrowIfNull(loss);
        if (loss.numel() != 1)
            throw new ArgumentException($"loss must be a scalar, but has the shape [{string.Join(", ", loss.shape)}]. Take its mean or sum.", nameof(loss));
        if (!loss.requires_grad)
            throw new ArgumentException("loss must require gradients, but depends on no parameter that does. Compute it outside no_grad, from a module with trainable parameters.", nameof(loss));
        RunAll([loss], null);
    }

    /// <summary>Adds the gradients of several tensors, each weighted by the gradient that came in for it.</summary>
    internal static void RunAll(IList<Tensor> outputs, IList<Tensor>? gradients)
    {
        using var scope = NewDisposeScope();
        try
        {
            autograd.backward(outputs, gradients);
        }
        catch (ExternalException)
        {
            // libtorch's words about a pass that was stopped; a failure of its own has no other.
            if (BackwardFailure.Take() is { } stopped)
                stopped.Exception.Throw();
            throw;
        }
        finally
        {
            ReturnedGradients.Release();
        }
        BackwardFailure.Take()?.Exception.Throw();
    }
}
