using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Rows of a table that starts standard normal, looked up by index; the row padding_idx starts zero and gets no gradient.</summary>
public sealed class Embedding : nn.Module<Tensor, Tensor>
{
    private static readonly Op s_lookup = "embedding(weight,indices,padding_idx,scale_grad_by_freq,sparse)";
    private static readonly Op s_renormalize = "embedding_renorm_(self,indices,max_norm,norm_type)";

    private readonly long _paddingIndex = -1;
    private readonly double? _maxNorm;
    private readonly double _normType;
    private readonly bool _scaleGradByFrequency, _sparse;
    private Parameter _weight;

    internal Embedding(long count, long dimensions, long? paddingIndex, double? maxNorm, double normType, bool scaleGradByFrequency, bool sparse,
        Device device, ScalarType? dtype) : base("torch::nn::EmbeddingImpl")
    {
        if (paddingIndex is { } index)
        {
            if (index >= count || index < -count)
                throw new ArgumentException($"padding_idx must be within num_embeddings, but {index} is not in [{-count}, {count}).");
            _paddingIndex = index < 0 ? index + count : index;
        }
        (_maxNorm, _normType, _scaleGradByFrequency, _sparse) = (maxNorm, normType, scaleGradByFrequency, sparse);
        _weight = Register("weight", empty(count, dimensions));
        using (var scope = NewDisposeScope())
        using (no_grad())
        {
            _weight.normal_();
            if (_paddingIndex >= 0) _weight[_paddingIndex].zero_();
        }
        Placed(this, device, dtype);
    }

    public override Tensor forward(Tensor input)
    {
        if (_maxNorm is { } bound)
            using (no_grad()) s_renormalize.Run(_weight, input, bound, _normType);
        return s_lookup.T(_weight, input, _paddingIndex, _scaleGradByFrequency, _sparse);
    }

    public Parameter weight
    {
        get => Parameter.Fresh(_weight);
        set => _weight = Replace("weight", value);
    }

    private protected override void OnParameterReplaced(string name, Parameter parameter) => _weight = parameter;
}
