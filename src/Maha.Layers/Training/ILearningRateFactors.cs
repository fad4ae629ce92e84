namespace Maha.Layers.Training;

/// <summary>
/// A task that trains some parameters at a fraction of the learning rate, such as the pretrained part of a model, which must change less than
/// the part with random weights.
/// </summary>
internal interface ILearningRateFactors
{
    /// <summary>Returns the factor by which the learning rate of a parameter is multiplied. Called once per parameter and training.</summary>
    /// <param name="parameterName">The name of the parameter in the module of the task.</param>
    /// <returns>The factor, above 0 and finite.</returns>
    double FactorOf(string parameterName);
}
