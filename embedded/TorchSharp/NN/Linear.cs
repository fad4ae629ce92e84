using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>y = x W^T + b; W and b start uniform in +-1/sqrt(inputSize).</summary>
public sealed class Linear : nn.Module<Tensor, Tensor>
{
    private Parameter _weight;
    private Parameter _bias;

    internal Linear(long inputSize, long outputSize, bool hasBias, Device device, ScalarType? dtype) : base("torch::nn::LinearImpl")
    {
        _weight = Register("weight", empty(outputSize, inputSize));
        if (hasBias) _bias = Register("bias", empty(outputSize));
        nn.init.DefaultUniform(_weight, _bias);
        Placed(this, device, dtype);
    }

    public override Tensor forward(Tensor tensor) => nn.functional.linear(tensor, _weight, _bias);

    public Parameter weight
    {
        get => Parameter.Fresh(_weight);
        set => _weight = Replace("weight", value);
    }

    public Parameter bias
    {
        get => Parameter.Fresh(_bias);
        set => _bias = Replace("bias", value);
    }

    private protected override void OnParameterReplaced(string name, Parameter parameter)
    {
        if (name == "weight") _weight = parameter;
        else _bias = parameter;
    }
}
