using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>Parameters with one weight decay and one learning rate.</summary>
/// <param name="WeightDecay">The weight decay.</param>
/// <param name="LearningRateFactor">The factor by which the learning rate is multiplied.</param>
/// <param name="Parameters">The parameters with their names in the module.</param>
internal sealed record ParameterGroup(double WeightDecay, double LearningRateFactor, IReadOnlyList<(string Name, Parameter Parameter)> Parameters);

/// <summary>Groups the parameters of a module for the optimizer.</summary>
internal static class ParameterGroups
{
    /// <summary>
    /// Returns the parameters that require gradients, each once, in groups: those with weight decay (matrices and kernels) before those without
    /// (vectors and scalars, which biases and norms are, and all parameters of embeddings and norms), and one group for every learning rate.
    /// </summary>
    /// <param name="module">The module.</param>
    /// <param name="weightDecay">The weight decay of the parameters that decay.</param>
    /// <param name="factors">The factors of the learning rates; null for the same rate everywhere.</param>
    /// <exception cref="InvalidOperationException">A factor is not above 0 and finite.</exception>
    public static List<ParameterGroup> Create(nn.Module module, double weightDecay, ILearningRateFactors? factors = null)
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

        return
        [
            .. module.named_parameters()
                .Where(entry => entry.parameter.requires_grad)
                .GroupBy(entry => (IsExempt: exempt.Contains(entry.parameter.Handle), Factor: factors is null ? 1 : Factor(factors, entry.name)))
                .OrderBy(group => group.Key.IsExempt)
                .Select(group => new ParameterGroup(group.Key.IsExempt ? 0 : weightDecay, group.Key.Factor, [.. group])),
        ];
    }

    private static double Factor(ILearningRateFactors factors, string name)
    {
        double factor = factors.FactorOf(name);
        return factor > 0 && double.IsFinite(factor) ? factor : throw new InvalidOperationException(
            $"The factor of a learning rate must be above 0 and finite, but is {factor} for '{name}'. Freeze a parameter with requires_grad_(false).");
    }
}
