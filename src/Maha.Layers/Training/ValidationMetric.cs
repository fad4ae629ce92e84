namespace Maha.Layers.Training;

/// <summary>Specifies the validation metric that determines the best epoch.</summary>
public enum ValidationMetric
{
    /// <summary>The mean loss. Lower is better.</summary>
    Loss,

    /// <summary>The fraction of correct predictions. Higher is better.</summary>
    Accuracy,

    /// <summary>The mean F1 score over the classes, where F1 is the harmonic mean of precision and recall. Higher is better.</summary>
    MacroF1,
}
