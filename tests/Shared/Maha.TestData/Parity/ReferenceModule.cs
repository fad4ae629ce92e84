using Maha.Layers.Attention;
using Maha.Layers.Weights;
using static TorchSharp.torch;

namespace Maha.TestData.Parity;

/// <summary>The common parts of the files of whole modules: the aggregation's name, weights, gradients of weights.</summary>
internal static class ReferenceModule
{
    /// <summary>The published attention with the options of a configuration.</summary>
    public static MahaReferenceOptions Options(VectorFile config)
    {
        var defaults = new MahaReferenceOptions();
        return defaults with
        {
            NumScales = config.Integer("num_scales", defaults.CountScales(0)),
            CompressionRatio = config.Integer("compression_ratio", defaults.CompressionRatio),
            Aggregation = AggregationOptions.Create(Aggregation(config)),
        };
    }

    /// <summary>The aggregation under its published name.</summary>
    public static AggregationKind Aggregation(VectorFile config) => config.Text("aggregation", "convex") switch
    {
        "convex" => AggregationKind.Softmax,
        "nash" => AggregationKind.ReferenceNash,
        var other => throw new FormatException($"'aggregation' must be convex or nash, but is '{other}'."),
    };

    /// <summary>Loads the file's weights and makes the module ready to be compared: dropout off, no gradients.</summary>
    public static void Prepare(nn.Module module, IReadOnlyDictionary<string, Tensor> weights)
    {
        ModuleWeights.Load(module, weights);
        module.eval();
    }

    /// <summary>
    /// Compares the gradients of the weights. A weight that the file has no gradient for must have none here, or zero.
    /// </summary>
    /// <param name="ours">Our name for a published name; null for weights that the published code never reads.</param>
    public static void CompareGradients(VectorFile file, nn.Module module, Func<string, string?> ours, Comparison comparison)
    {
        const string field = "parameter_gradients";
        var expected = file.Tensors(field);
        var parameters = module.named_parameters().ToDictionary(named => named.name, named => named.parameter);
        var compared = new HashSet<string>();
        foreach (var (name, gradient) in expected)
        {
            string where = $"{field}.{name}";
            if (ours(name) is not { } target)
            {
                comparison.Add(where, zeros_like(gradient), gradient);
                continue;
            }
            if (!parameters.TryGetValue(target, out var parameter))
                throw new FormatException($"'{where}' must be the gradient of a parameter, but the module has no {target}.");
            compared.Add(target);
            comparison.Add(where, parameter.grad ?? zeros_like(parameter), gradient);
        }
        foreach (var (name, parameter) in parameters)
        {
            if (!compared.Contains(name) && parameter.grad is { } unexpected)
                comparison.AddZero($"{field} (none in the file) of {name}", unexpected);
        }
    }
}
