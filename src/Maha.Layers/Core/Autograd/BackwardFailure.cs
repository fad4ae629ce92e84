using System.Diagnostics;
using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace Maha.Layers.Core;

/// <summary>An exception of a custom backward pass, kept until it can be thrown, because it can't propagate through libtorch's native code.</summary>
/// <remarks>
/// <see cref="BackwardPass"/> throws it as soon as the pass is over. Under a caller's own <c>loss.backward()</c> the pass is stopped, so that no step is made
/// with part of the gradients, and the next call of one of the library's functions on this thread that records gradients throws the kept exception.
/// </remarks>
internal sealed record BackwardFailure(ExceptionDispatchInfo Exception, string Function)
{
    private const string Autograd = "TorchSharp.torch+autograd";
    private const string Tensors = "TorchSharp.torch+Tensor";

    [ThreadStatic]
    private static BackwardFailure? s_ofThread;

    // From a thread of libtorch, which has no .NET caller: each device except the CPU has such a thread.
    private static BackwardFailure? s_ofEngine;

    /// <summary>Keeps an exception.</summary>
    /// <returns>The gradients to return in place of the correct ones, one per input.</returns>
    public static Tensor?[] Keep(Exception exception, string function, InputMetadata?[] inputs)
    {
        var failure = new BackwardFailure(ExceptionDispatchInfo.Capture(exception), function);
        var caller = CallerOfPass();
        if (caller == Caller.Engine)
            s_ofEngine = failure;
        else
            s_ofThread = failure;

        // A gradient without dimensions has a wrong shape for every input that has dimensions: libtorch then ends the pass with an exception, which TorchSharp
        // passes to the caller of backward(). It passes on none from autograd.grad, which would end the process, and possibly none from another thread: zeros
        // let such a pass run to its end.
        using var noGradient = no_grad();
        return [.. inputs.Select(Placeholder)];

        Tensor? Placeholder(InputMetadata? input) =>
            input is null ? null : caller == Caller.Backward ? empty(Array.Empty<long>(), input.Type) : zeros(input.Shape, input.Type, input.Device);
    }

    /// <summary>Removes and returns the exception of the last backward pass; null where none failed.</summary>
    public static BackwardFailure? Take()
    {
        var failure = Interlocked.Exchange(ref s_ofThread, null);
        return failure ?? (Volatile.Read(ref s_ofEngine) is null ? null : Interlocked.Exchange(ref s_ofEngine, null));
    }

    /// <summary>Throws where an earlier backward pass failed and its caller has not received the exception.</summary>
    public static void ThrowKept()
    {
        if (Take() is { } failure)
        {
            throw new InvalidOperationException(
                $"An earlier backward pass failed in {failure.Function} (see the inner exception), so its gradients are incomplete: don't step with them. "
                + "Call BackwardPass.Run(loss) in place of loss.backward() to get the exception there.",
                failure.Exception.SourceException);
        }
    }

    private enum Caller
    {
        Backward,
        Grad,
        Engine,
    }

    // The CPU's part of a pass runs on the thread that called it, so the caller is on the stack, below the custom function.
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
        // Tensor.backward() is short and may have been inlined into its caller; autograd.grad is not.
        return Caller.Backward;
    }

    private static DiagnosticMethodInfo? MethodOf(StackFrame frame) => DiagnosticMethodInfo.Create(frame);
}
