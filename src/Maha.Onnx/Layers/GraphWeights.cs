using Maha.Onnx.Graph;
using static TorchSharp.torch;

namespace Maha.Onnx.Layers;

/// <summary>The weights of a network by their names, as constants of a graph.</summary>
/// <param name="builder">The graph.</param>
/// <param name="tensors">All weights of the network.</param>
/// <param name="prefix">The part of the names that is left out.</param>
internal sealed class GraphWeights(OnnxBuilder builder, IReadOnlyDictionary<string, Tensor> tensors, string prefix = "")
{
    /// <summary>The graph.</summary>
    public OnnxBuilder Builder => builder;

    /// <summary>Returns the weights of a part of the network.</summary>
    public GraphWeights Part(string name) => new(builder, tensors, $"{prefix}{name}.");

    /// <summary>Whether there is a weight.</summary>
    public bool Has(string name) => tensors.ContainsKey(prefix + name);

    /// <summary>Returns a weight as it is.</summary>
    public OnnxValue Get(string name) => builder.Weight(prefix + name, tensors[prefix + name]);

    /// <summary>Applies a linear layer: input W^T + b, without b where the layer has none.</summary>
    public OnnxValue Linear(string name, OnnxValue input)
    {
        using var transposed = tensors[$"{prefix}{name}.weight"].t();
        var product = input.MatMul(builder.Weight($"{prefix}{name}.weight", transposed));
        return Has($"{name}.bias") ? product + Get($"{name}.bias") : product;
    }

    /// <summary>Applies a layer norm.</summary>
    public OnnxValue LayerNorm(string name, OnnxValue input, double epsilon) => input.LayerNorm(Get($"{name}.weight"), Get($"{name}.bias"), epsilon);
}
