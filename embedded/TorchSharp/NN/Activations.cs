using static TorchSharp.torch;

namespace TorchSharp.Modules;

// Layers without parameters and buffers: nothing to move.

public sealed class GELU : nn.Module<Tensor, Tensor>
{
    internal GELU() : base(nameof(GELU))
    {
    }

    public override Tensor forward(Tensor tensor) => nn.functional.gelu(tensor);
    public override string GetName() => nameof(GELU);
    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;
    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;
    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;
}

public sealed class ReLU : nn.Module<Tensor, Tensor>
{
    private readonly bool _inplace;

    internal ReLU(bool inplace) : base(nameof(ReLU)) => _inplace = inplace;

    public override Tensor forward(Tensor tensor) => nn.functional.relu(tensor, _inplace);
    public override string GetName() => nameof(ReLU);
    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;
    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;
    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;
}

public sealed class Identity : nn.Module<Tensor, Tensor>
{
    internal Identity() : base("torch::nn::IdentityImpl")
    {
    }

    public override Tensor forward(Tensor tensor) => tensor.alias();
    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;
    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;
    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;
}

public sealed class Dropout : nn.Module<Tensor, Tensor>
{
    private readonly double _probability;
    private readonly bool _inplace;

    internal Dropout(double probability, bool inplace) : base(nameof(Dropout)) => (_probability, _inplace) = (probability, inplace);

    public override Tensor forward(Tensor tensor) => nn.functional.dropout(tensor, _probability, training, _inplace);
    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;
    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;
    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;
}
