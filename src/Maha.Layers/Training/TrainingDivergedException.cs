namespace Maha.Layers.Training;

/// <summary>A loss or a gradient was not a finite number. The weights are those before the step that brought it; where the loss of no validation was finite, those behind the last step.</summary>
public sealed class TrainingDivergedException : Exception
{
    internal TrainingDivergedException(string what, double value, int epoch, long step, long totalSteps, double loss, double learningRate, TrainingOptions options, bool isStepDone)
        : base(
            $"The {what} must be finite, but is {value} at step {step} of {totalSteps} (epoch {epoch} of {options.NumberOfEpochs}; loss {loss}, learning rate {learningRate:G4}). " +
            $"The weights are those {(isStepDone ? "behind" : "before")} the step. Likely remedies: a lower LearningRate (now {options.LearningRate:G4}; try {options.LearningRate / 10:G4}), " +
            $"a longer WarmupFraction (now {options.WarmupFraction:G4}), a lower MaxGradientNorm (now {options.MaxGradientNorm:G4}). " +
            "At step 1, look for weights that are not finite.")
    {
        Epoch = epoch;
        Step = step;
        Loss = loss;
        LearningRate = learningRate;
    }

    /// <summary>The epoch, from 1.</summary>
    public int Epoch { get; }

    /// <summary>The step, from 1, over all epochs. It was not done, unless it is the loss of the validations that is not finite.</summary>
    public long Step { get; }

    /// <summary>The loss of the step: of the batch where it was found, if it is the loss that is not finite.</summary>
    public double Loss { get; }

    /// <summary>The learning rate of the step.</summary>
    public double LearningRate { get; }
}
