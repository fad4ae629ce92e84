namespace Maha.Layers.Blocks;

/// <summary>The parameters of a layer norm in float32: weight [D], bias [D], epsilon. The caller keeps the tensors alive.</summary>
internal readonly unsafe struct NormOperands(float* weight, float* bias, float epsilon)
{
    private readonly float* _weight = weight;
    private readonly float* _bias = bias;
    private readonly float _epsilon = epsilon;

    /// <summary>Computes output = LayerNorm(x + update) for rows of D elements.</summary>
    public void Apply(int rows, int width, float* x, float* update, float* output) =>
        ResidualNormKernel.ForwardRows(rows, width, x, update, _weight, _bias, _epsilon, output, null, null);
}
