namespace Maha.Layers.Training;

/// <summary>What tells which epoch's weights are the best.</summary>
public enum ValidationMetric
{
    /// <summary>The mean loss; the lowest is the best.</summary>
    Loss,

    /// <summary>The share of right predictions; the highest is the best.</summary>
    Accuracy,

    /// <summary>The mean over the classes of the harmonic mean of precision and recall; the highest is the best.</summary>
    MacroF1,
}
