using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>Which parameters decay.</summary>
internal static class ParameterGroups
{
    /// <summary>
    /// The parameters that require gradients, each once: those that decay (matrices and kernels), and those that don't
    /// (vectors and scalars, so biases and norms, and whatever belongs to an embedding or a norm).
    /// </summary>
    public static (List<Parameter> Decaying, List<Parameter> Constant) Of(nn.Module module)
    {
        // A weight shared by an embedding and a linear layer is the embedding's.
        var exempt = new HashSet<nint>();
        foreach (var part in module.modules().Append(module))
        {
            bool isExempt = part is Embedding or LayerNorm;
            foreach (var (name, parameter) in part.named_parameters(recurse: false))
            {
                if (isExempt || parameter.Dimensions < 2 || name.Contains("embedding", StringComparison.OrdinalIgnoreCase))
                    exempt.Add(parameter.Handle);
            }
        }

        var decaying = new List<Parameter>();
        var constant = new List<Parameter>();
        foreach (var parameter in module.parameters())
        {
            if (parameter.requires_grad)
                (exempt.Contains(parameter.Handle) ? constant : decaying).Add(parameter);
        }
        return (decaying, constant);
    }
}
