using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Maha.Layers.Core;

/// <summary>Runs backward passes in a custom training loop, as <c>Trainer</c> does in its own.</summary>
/// <remarks>
/// <para>libtorch calls the layers' own derivatives from native code, through which no .NET exception may propagate. Where a derivative fails (its model was
/// disposed in the meantime, an input was changed in place), the exception is kept, and <see cref="Run"/> rethrows it when the pass has ended. Plain
/// <c>loss.backward()</c> is stopped with libtorch's exception about a gradient of a wrong shape, and the next call of a layer on the same thread, outside
/// <c>no_grad</c>, throws an <see cref="InvalidOperationException"/> with the kept exception inside. <c>autograd.grad</c> runs to its end with zeros in place
/// of gradients, and the next call of a layer throws.</para>
/// <para>After plain <c>loss.backward()</c> the gradients that the last of the layers' derivatives returned stay in memory until the next call of a layer on
/// the same thread; <see cref="Run"/> frees them. In both cases no tensors accumulate in a dispose scope around the loop.</para>
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
        {
            throw new ArgumentException(
                "loss must require gradients, but depends on no parameter that does. Compute it outside no_grad, from a module with trainable parameters.",
                nameof(loss));
        }
        RunAll([loss], null);
    }

    /// <summary>Adds the gradients of several tensors, each weighted by its incoming gradient.</summary>
    internal static void RunAll(IList<Tensor> outputs, IList<Tensor>? gradients)
    {
        using var scope = NewDisposeScope();
        try
        {
            autograd.backward(outputs, gradients);
        }
        catch (ExternalException)
        {
            // libtorch's exception about a stopped pass is replaced by its cause; a failure of libtorch itself has no kept exception.
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
