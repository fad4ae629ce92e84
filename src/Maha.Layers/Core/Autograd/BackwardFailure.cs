using System.Diagnostics;
using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace Maha.Layers.Core;

/// <summary>An exception of a custom backward pass, which can't cross libtorch's native code, from there to where it can be thrown.</summary>
/// <remarks>
/// <see cref="BackwardPass"/> throws it as soon as the pass is over. Under a caller's own <c>loss.backward()</c> two things happen: the pass is stopped, so that no step is made with
/// half of the gradients, and the next call of a function of ours on this thread that records gradients throws what was kept.
/// </remarks>
internal sealed record BackwardFailure(ExceptionDispatchInfo Exception, string Function)
{
    private const string Autograd = "TorchSharp.torch+autograd";
    private const string Tensors = "TorchSharp.torch+Tensor";

    [ThreadStatic]
    private static BackwardFailure? s_ofThread;

    // From a thread of libtorch (each device but the processor has one), where nobody calls.
    private static BackwardFailure? s_ofEngine;

    /// <summary>Keeps an exception.</summary>
    /// <returns>Gradients to return in place of the right ones, one an input.</returns>
    public static Tensor?[] Keep(Exception exception, string function, InputMetadata?[] inputs)
    {
        var failure = new BackwardFailure(ExceptionDispatchInfo.Capture(exception), function);
        var caller = CallerOfPass();
        if (caller == Caller.Engine)
            s_ofEngine = failure;
        else
            s_ofThread = failure;

        // A gradient without dimensions is of a wrong shape for every input that has some: libtorch then ends the pass with an exception that TorchSharp hands to the caller of backward().
        // It hands on none from autograd.grad, which would end the process, and maybe none from another thread: zeros let that pass come to its end.
        using var noGradient = no_grad();
        return [.. inputs.Select(input => input is null ? null : caller == Caller.Backward ? empty(Array.Empty<long>(), input.Type) : zeros(input.Shape, input.Type, input.Device))];
    }

    /// <summary>The exception of the last backward pass, no longer kept; null where none failed.</summary>
    public static BackwardFailure? Take()
    {
        var failure = Interlocked.Exchange(ref s_ofThread, null);
        return failure ?? (Volatile.Read(ref s_ofEngine) is null ? null : Interlocked.Exchange(ref s_ofEngine, null));
    }

    /// <summary>Throws where an earlier backward pass failed and its caller wasn't told why.</summary>
    public static void ThrowKept()
    {
        if (Take() is { } failure)
        {
            throw new InvalidOperationException(
                $"An earlier backward pass failed in {failure.Function} (see the inner exception), so its gradients are incomplete: don't step with them. Call BackwardPass.Run(loss) in place of loss.backward() to get the exception there.",
                failure.Exception.SourceException);
        }
    }

    private enum Caller
    {
        Backward,
        Grad,
        Engine,
    }

    // The processor's part of a pass runs on the thread that called it, so the caller is on the stack, behind the custom function.
    private static Caller CallerOfPass()
    {
        var frames = new StackTrace(fNeedFileInfo: false).GetFrames();
        int pass = Array.FindIndex(frames, frame => MethodOf(frame) is { Name: "ApplyFunc" });
        if (pass < 0 || pass == frames.Length - 1)
            return Caller.Engine;
        foreach (var frame in frames[(pass + 1)..])
        {
            if (MethodOf(frame) is not { DeclaringTypeName: Autograd or Tensors } method)
                continue;
            if (method.Name == nameof(autograd.grad))
                return Caller.Grad;
            if (method.Name == nameof(Tensor.backward))
                return Caller.Backward;
        }
        // Tensor.backward() is short and may have become a part of its caller; autograd.grad is not.
        return Caller.Backward;
    }

    private static DiagnosticMethodInfo? MethodOf(StackFrame frame) => DiagnosticMethodInfo.Create(frame);
}
