namespace Maha.Layers.Training;

/// <summary>Specifies how the learning rate falls after the warm-up.</summary>
internal enum LearningRateDecay
{
    /// <summary>Along half a cosine: slowly at first and at the end. The default.</summary>
    Cosine,

    /// <summary>Along a straight line, the usual choice for fine-tuning.</summary>
    Linear,
}
