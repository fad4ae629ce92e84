using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Zero mean and unit variance over the last dimensions, then the learned scale (ones) and shift (zeros).</summary>
public sealed class LayerNorm : nn.Module<Tensor, Tensor>
{
    private readonly long[] _normalizedShape;
    private readonly double _eps;
    private Parameter _weight;
    private Parameter _bias;

    internal LayerNorm(long[] normalizedShape, double eps, bool elementwiseAffine, bool hasBias, Device device, ScalarType? dtype) : base(nameof(LayerNorm))
    {
        _normalizedShape = normalizedShape;
        _eps = eps;
        if (!elementwiseAffine) return;
        _weight = Register("weight", ones(normalizedShape, dtype, device));
        if (hasBias) _bias = Register("bias", zeros(normalizedShape, dtype, device));
    }

    public override Tensor forward(Tensor tensor) => nn.functional.layer_norm(tensor, _normalizedShape, _weight, _bias, _eps);

    public Parameter bias
    {
        get => _bias;
        set
        {
            if (!ReferenceEquals(value, _bias)) _bias?.Dispose();
            _bias = value is null ? null : Replace("bias", value);
            if (value is null) ConditionallyRegisterParameter("bias", null);
        }
    }

    public Parameter weight
    {
        get => _weight;
        set
        {
            ArgumentNullException.ThrowIfNull(value, nameof(weight));
            if (ReferenceEquals(value, _weight)) return;
            _weight?.Dispose();
            _weight = Replace("weight", value);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _weight?.Dispose();
            _bias?.Dispose();
        }
        base.Dispose(disposing);
    }

    private protected override void OnParameterReplaced(string name, Parameter parameter)
    {
        if (name == "weight") _weight = parameter;
        else _bias = parameter;
    }
}
