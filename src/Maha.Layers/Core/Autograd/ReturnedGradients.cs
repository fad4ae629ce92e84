using static TorchSharp.torch;

namespace Maha.Layers.Core;

/// <summary>The gradients that the last custom backward pass of this thread returned to libtorch.</summary>
/// <remarks>
/// libtorch reads them after the backward pass has returned, so the pass can't free its own handles. In the caller's dispose scope they would accumulate, a
/// full set of gradients per step. Instead they are freed at this thread's next forward or backward pass of one of the library's functions, or at the end of
/// <see cref="BackwardPass"/>.
/// </remarks>
internal static class ReturnedGradients
{
    [ThreadStatic]
    private static List<Tensor>? s_kept;

    /// <summary>Detaches gradients from their scopes; the next <see cref="Release"/> frees them.</summary>
    /// <returns>The gradients, in the type that TorchSharp expects.</returns>
    public static List<Tensor> Keep(List<Tensor?> gradients)
    {
        s_kept ??= [];
        foreach (var gradient in gradients)
        {
            if (gradient is not null)
                s_kept.Add(gradient.DetachFromDisposeScope());
        }
        return gradients!;
    }

    /// <summary>Frees the gradients that <see cref="Keep"/> detached on this thread.</summary>
    public static void Release()
    {
        if (s_kept is not { Count: > 0 })
            return;
        foreach (var gradient in s_kept)
            gradient.Dispose();
        s_kept.Clear();
    }
}
