namespace Maha.Layers.Attention;

/// <summary>The settings of an aggregation that runs in kernels on a CUDA device.</summary>
/// <param name="Rule">The rule of the weights.</param>
internal sealed record CudaScaleSettings(ScaleWeightRule Rule)
{
    /// <summary>Whether the weights depend on the products of the scales' outputs.</summary>
    public bool UsesGram { get; init; }

    /// <summary>Whether utilities depend on the tokens.</summary>
    public bool HasUtility { get; init; }

    /// <summary>Whether utilities are those of <see cref="UtilityForm.Softmax"/>.</summary>
    public bool IsSoftmax { get; init; }

    /// <summary>rho.</summary>
    public double Redundancy { get; init; }

    /// <summary>tau.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>f.</summary>
    public double Floor { get; init; }

    /// <summary>lambda.</summary>
    public double Price { get; init; }

    /// <summary>The game that gives the weights of a document; null for none.</summary>
    public CudaScaleGame? Game { get; init; }
}
