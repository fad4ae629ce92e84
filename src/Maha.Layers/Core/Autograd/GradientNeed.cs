using static TorchSharp.torch;

namespace Maha.Layers.Core;

/// <summary>Whether an autograd function must record a graph.</summary>
internal static class GradientNeed
{
    /// <summary>Returns whether gradients are computed on this thread and some argument needs one. Name every argument that has a gradient, biases too.</summary>
    /// <param name="arguments">The arguments; null for those that are absent.</param>
    public static bool Of(params ReadOnlySpan<Tensor?> arguments)
    {
        if (!is_grad_enabled())
            return false;
        foreach (var argument in arguments)
        {
            if (argument is { requires_grad: true })
                return true;
        }
        return false;
    }
}
