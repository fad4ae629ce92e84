using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>Groups the parameters of a module for the optimizer.</summary>
internal static class ParameterGroups
{
    /// <summary>
    /// Splits the parameters that require gradients, each once, into those with weight decay (matrices and kernels) and those without
    /// (vectors and scalars, which biases and norms are, and all parameters of embeddings and norms).
    /// </summary>
    public static (List<Parameter> Decaying, List<Parameter> NotDecaying) SplitByWeightDecay(nn.Module module)
    {
        // A weight that an embedding and a linear layer share does not decay.
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
        var notDecaying = new List<Parameter>();
        foreach (var parameter in module.parameters())
        {
            if (parameter.requires_grad)
                (exempt.Contains(parameter.Handle) ? notDecaying : decaying).Add(parameter);
        }
        return (decaying, notDecaying);
    }
}
