using static TorchSharp.torch;

namespace Maha.Layers.Core;

/// <summary>The gradients that the last custom backward pass of this thread handed to libtorch.</summary>
/// <remarks>
/// libtorch reads them after the backward pass returned, so that pass can't free its own handles. Left to the caller's dispose scope they would collect there, a full set of gradients a step;
/// they are freed as soon as this thread comes here again instead: at the next forward or backward pass of a function of ours, or at the end of <see cref="BackwardPass"/>.
/// </remarks>
internal static class ReturnedGradients
{
    [ThreadStatic]
    private static List<Tensor>? s_kept;

    /// <summary>Takes gradients out of their scopes, to be freed by the next <see cref="Release"/>.</summary>
    /// <returns>The gradients, as TorchSharp wants them.</returns>
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

    /// <summary>Frees what <see cref="Keep"/> took on this thread.</summary>
    public static void Release()
    {
        if (s_kept is not { Count: > 0 })
            return;
        foreach (var gradient in s_kept)
            gradient.Dispose();
        s_kept.Clear();
    }
}
