namespace Maha.Layers.Attention;

/// <summary>The form in which learned utilities of the scales enter the program of the convex aggregation.</summary>
internal enum UtilityForm
{
    /// <summary>
    /// The utilities are linear functions of the scales' outputs. A difference of about 1 already gives a scale all the weight, and the scales without
    /// weight get no gradient: in training the weights mostly stay at the scales that lead early.
    /// </summary>
    Linear,

    /// <summary>
    /// The utilities are linear functions of the RMS-normalized outputs, and their softmax is the allocation that the program stays near to. Every scale keeps
    /// a gradient.
    /// </summary>
    Softmax,
}
