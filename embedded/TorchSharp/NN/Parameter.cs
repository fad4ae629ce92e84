using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>A tensor that a module lists among its parameters. It takes over the tensor it is made of, which is invalid afterwards.</summary>
public class Parameter : Tensor
{
    public Parameter(Tensor data, bool requires_grad = true) : base(data.with_requires_grad(requires_grad).MoveHandle())
    {
    }

    // As in TorchSharp, a layer's weight and bias are new managed objects at each read: disposing one leaves the layer alone.
    internal static Parameter Fresh(Parameter parameter) => parameter is null ? null : new(parameter.alias(), parameter.requires_grad);
}
