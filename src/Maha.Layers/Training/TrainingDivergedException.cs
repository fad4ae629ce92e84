using System.Globalization;

namespace Maha.Layers.Training;

/// <summary>
/// The exception that is thrown when a training diverges: a training loss or a gradient norm was not finite, or the validation loss of
/// every epoch was not finite, or, without validation, the weights after the last step.
/// </summary>
/// <remarks>
/// The weights of the model are those before the failed step, or those after the last step where the problem was found after it. The
/// usual remedy is a lower <see cref="TrainingOptions.LearningRate"/>; the message suggests values.
/// </remarks>
public sealed class TrainingDivergedException : Exception
{
    internal TrainingDivergedException(
        string quantity, double value, int epoch, long step, long totalSteps, double loss, double learningRate, TrainingOptions options, bool isStepDone)
        : base(string.Create(
            CultureInfo.InvariantCulture,
            $"The {quantity} must be finite, but is {value} at step {step} of {totalSteps} " +
            $"(epoch {epoch} of {options.NumberOfEpochs}; loss {loss}, learning rate {learningRate:G4}). " +
            $"The weights are those {(isStepDone ? "after" : "before")} the step. " +
            $"Likely remedies: a lower LearningRate (now {options.LearningRate:G4}; try {options.LearningRate / 10:G4}), " +
            $"a higher WarmupFraction (now {options.WarmupFraction:G4}), a lower MaxGradientNorm (now {options.MaxGradientNorm:G4}). " +
            $"At step 1, check the model for weights that are not finite."))
    {
        Epoch = epoch;
        Step = step;
        Loss = loss;
        LearningRate = learningRate;
    }

    /// <summary>The number of the epoch, from 1.</summary>
    public int Epoch { get; }

    /// <summary>The number of the step over all epochs, from 1. The step was not done, except where the validation loss or a weight is not finite.</summary>
    public long Step { get; }

    /// <summary>
    /// The loss of the step; the loss of the batch where the training loss is not finite. Where several processes train together and the training loss is not
    /// finite, the sum of the losses of their batches, or the mean of the step on GPUs.
    /// </summary>
    public double Loss { get; }

    /// <summary>The learning rate of the step.</summary>
    public double LearningRate { get; }
}
