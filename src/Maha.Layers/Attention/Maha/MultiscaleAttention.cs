using Maha.Layers.Core;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N_s length at scale s, S scales, D width, H heads, K head dim

/// <summary>
/// Full attention within each scale. Each scale has queries and keys of its own; the values are shared by all scales.
/// </summary>
/// <remarks>
/// <para>Section 4.2 of the paper, equations 8 and 9: V = W_V X_0 once, V_s = decomposition(V) with the operators that made the X_s, and
/// O_s = concat over heads of softmax(W_Q^s X_s (W_K^s X_s)^T / sqrt(K)) V_s. There is no output projection.</para>
/// <para>This is the reference form: it holds the N_s x N_s scores of every scale, so time and memory grow with N^2 * (1 + 1/r^2 + ...).
/// It supports no mask.</para>
/// </remarks>
internal sealed class MultiscaleAttention : Module<IReadOnlyList<Tensor>, HierarchicalDecomposition, IReadOnlyList<Tensor>>
{
    [ComponentName(Name = "v_proj")] private readonly Linear _valueProjection;
    [ComponentName(Name = "q_projs")] private readonly ModuleList<Linear> _queryProjections;
    [ComponentName(Name = "k_projs")] private readonly ModuleList<Linear> _keyProjections;
    private readonly int _dModel;
    private readonly int _numHeads;
    private readonly int _headDim;
    private readonly int _numScales;

    /// <summary>Creates the projections.</summary>
    /// <param name="dModel">D, the width of the tokens.</param>
    /// <param name="numHeads">H, a divisor of D.</param>
    /// <param name="numScales">S, at least 1.</param>
    /// <exception cref="ArgumentException">H does not divide D, or an argument is below 1.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public MultiscaleAttention(int dModel, int numHeads, int numScales)
        : base(TorchLibrary.EnsureLoadedFor(nameof(MultiscaleAttention)))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dModel, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(numHeads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(numScales, 1);
        TensorChecks.HeadsDivideWidth(dModel, numHeads, nameof(numHeads));
        _dModel = dModel;
        _numHeads = numHeads;
        _headDim = dModel / numHeads;
        _numScales = numScales;

        _valueProjection = Linear(dModel, dModel); // W_V, shared by the scales
        _queryProjections = Projections(); // W_Q^s
        _keyProjections = Projections(); // W_K^s
        RegisterComponents();

        ModuleList<Linear> Projections() => new([.. Enumerable.Range(0, numScales).Select(_ => Linear(dModel, dModel))]);
    }

    /// <summary>Computes the attention of every scale.</summary>
    /// <param name="scales">X_s, S tensors [B, N_s, D], as <paramref name="decomposition"/> computes them.</param>
    /// <param name="decomposition">The operators that computed the scales; they shorten the values as well.</param>
    /// <returns>O_s, S tensors [B, N_s, D].</returns>
    /// <exception cref="ArgumentException">
    /// The number of scales differs, or a scale has another shape than the decomposition gives, another element type or device.
    /// </exception>
    public override IReadOnlyList<Tensor> forward(IReadOnlyList<Tensor> scales, HierarchicalDecomposition decomposition)
    {
        Check(scales, decomposition);
        using var scope = NewDisposeScope();
        var values = decomposition.call(_valueProjection.call(scales[0])); // S x [B, N_s, D]
        var outputs = new Tensor[_numScales];
        for (int scale = 0; scale < _numScales; scale++)
        {
            if (values[scale].shape[1] != scales[scale].shape[1])
            {
                throw new ArgumentException(
                    $"scale {scale} must be {values[scale].shape[1]} tokens long, as the decomposition makes it, but is {scales[scale].shape[1]}. "
                    + "Pass the scales of the same decomposition.",
                    nameof(scales));
            }
            var query = AttentionHeads.Split(_queryProjections[scale].call(scales[scale]), _numHeads); // [B, H, N_s, K]
            var key = AttentionHeads.Split(_keyProjections[scale].call(scales[scale]), _numHeads); // [B, H, N_s, K]
            var value = AttentionHeads.Split(values[scale], _numHeads); // [B, H, N_s, K]
            var scores = query.CheckedMatmul(key.transpose(-2, -1)) / Math.Sqrt(_headDim); // [B, H, N_s, N_s]
            outputs[scale] = AttentionHeads.Merge(scores.softmax(-1).CheckedMatmul(value)); // [B, N_s, D]
        }
        scope.MoveToOuter(outputs);
        return outputs;
    }

    private void Check(IReadOnlyList<Tensor> scales, HierarchicalDecomposition decomposition)
    {
        ArgumentNullException.ThrowIfNull(scales);
        ArgumentNullException.ThrowIfNull(decomposition);
        if (scales.Count != _numScales || decomposition.NumScales != _numScales)
        {
            throw new ArgumentException(
                $"scales and decomposition must have {_numScales} scales (numScales), but have {scales.Count} and {decomposition.NumScales}.", nameof(scales));
        }
        foreach (var scale in scales)
            TensorChecks.Hidden(scale, _dModel, _valueProjection, nameof(scales));
        long batchSize = scales[0].shape[0];
        if (scales.Any(scale => scale.shape[0] != batchSize))
        {
            throw new ArgumentException(
                $"scales must have one batch size, but have {string.Join(", ", scales.Select(scale => scale.shape[0]))}.", nameof(scales));
        }
    }
}
