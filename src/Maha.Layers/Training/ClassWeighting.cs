namespace Maha.Layers.Training;

/// <summary>How much a document counts in the loss by its class.</summary>
public enum ClassWeighting
{
    /// <summary>Every document counts the same, so that frequent classes count more.</summary>
    None,

    /// <summary>Every class counts the same: its documents count n / (C n_c), of n documents of C classes, n_c of them in the class.</summary>
    Balanced,
}
