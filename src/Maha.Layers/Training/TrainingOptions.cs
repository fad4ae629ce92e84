using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>How a model is trained. The defaults suit a small model trained from random weights.</summary>
public sealed record TrainingOptions
{
    /// <summary>The number of times that every training document is seen.</summary>
    /// <value>10. At least 1.</value>
    public int NumberOfEpochs { get; init; } = 10;

    /// <summary>The highest learning rate, reached at the end of the warm-up.</summary>
    /// <value>1e-3, for models from random weights; a trained model is refined with about 1e-4. Above 0.</value>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>The part of all steps during which the learning rate rises from 0, linearly.</summary>
    /// <value>0.1. From 0 to 1.</value>
    public double WarmupFraction { get; init; } = 0.1;

    /// <summary>Where the learning rate ends, as a part of <see cref="LearningRate"/>: it falls there along half a cosine.</summary>
    /// <value>0.05. From 0 to 1; 1 keeps it constant after the warm-up.</value>
    public double MinLearningRateFraction { get; init; } = 0.05;

    /// <summary>AdamW's decay of the weights of linear layers and convolutions; biases, norms and embeddings do not decay.</summary>
    /// <value>0.01. At least 0.</value>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Gradients are scaled down so that the norm of all of them together is at most this.</summary>
    /// <value>1. Above 0; infinity switches it off.</value>
    public double MaxGradientNorm { get; init; } = 1;

    /// <summary>The most tokens a batch has, padding included. A longer document is a batch of its own.</summary>
    /// <value>8,192. At least 1.</value>
    public int TokensPerBatch { get; init; } = 8192;

    /// <summary>The number of batches whose gradients make one step: as one large batch would, in the memory of a small one.</summary>
    /// <value>1. At least 1.</value>
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>The part of the training documents that is set apart for validation, of each class alike.</summary>
    /// <value>0.1. At least 0, below 1; 0 trains without validation. Ignored where validation documents are given.</value>
    public double ValidationFraction { get; init; } = 0.1;

    /// <summary>What tells which epoch's weights are the best. Ignored without validation.</summary>
    /// <value><see cref="ValidationMetric.Loss"/>, which every task has.</value>
    public ValidationMetric EarlyStoppingMetric { get; init; } = ValidationMetric.Loss;

    /// <summary>Training ends when the metric has not improved for this many epochs. Ignored without validation.</summary>
    /// <value>3. At least 1; null runs all epochs. The best weights are restored in either case.</value>
    public int? EarlyStoppingPatience { get; init; } = 3;

    /// <summary>The part of the probability of the right answer that the loss spreads over all answers.</summary>
    /// <value>0. At least 0, below 1. Validation always takes the plain loss.</value>
    public double LabelSmoothing { get; init; }

    /// <summary>How much a document counts in the loss by its class. Validation always counts every document the same.</summary>
    /// <value><see cref="ClassWeighting.None"/>.</value>
    public ClassWeighting ClassWeighting { get; init; } = ClassWeighting.None;

    /// <summary>What a canceled training does.</summary>
    /// <value><see cref="CancellationBehavior.Throw"/>.</value>
    public CancellationBehavior CancellationBehavior { get; init; } = CancellationBehavior.Throw;

    /// <summary>The seed of the split, of the order of the documents, of dropout and of what tasks draw.</summary>
    /// <value>0. Any number. The first weights are drawn before the training, where the model is built: see <see cref="RandomStateScope"/>.</value>
    public int Seed { get; init; }

    /// <summary>Where the model is trained. It is moved there, and stays there.</summary>
    /// <value>Null, the default: where its weights are.</value>
    public Device? Device { get; init; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message says the rule, the value and the remedy.</exception>
    public void Validate()
    {
        TensorChecks.InRange(NumberOfEpochs, 1, int.MaxValue, nameof(NumberOfEpochs), "Small data needs about 10.");
        Require(LearningRate > 0 && double.IsFinite(LearningRate), LearningRate, nameof(LearningRate), "be above 0 and finite", "Try 0.001.");
        Fraction(WarmupFraction, nameof(WarmupFraction), "Use 0 for no warm-up.");
        Fraction(MinLearningRateFraction, nameof(MinLearningRateFraction), "Use 1 for a constant rate.");
        Require(WeightDecay >= 0 && double.IsFinite(WeightDecay), WeightDecay, nameof(WeightDecay), "be at least 0 and finite", "Use 0 to switch it off.");
        Require(MaxGradientNorm > 0, MaxGradientNorm, nameof(MaxGradientNorm), "be above 0", "Use infinity to switch clipping off.");
        TensorChecks.InRange(TokensPerBatch, 1, 1 << 30, nameof(TokensPerBatch), "Use about ten times the length of a usual document.");
        TensorChecks.InRange(GradientAccumulation, 1, 1 << 20, nameof(GradientAccumulation), "Use 1 for a step a batch.");
        TensorChecks.Probability(ValidationFraction, nameof(ValidationFraction));
        TensorChecks.Known(EarlyStoppingMetric, nameof(EarlyStoppingMetric));
        if (EarlyStoppingPatience is int patience)
            TensorChecks.InRange(patience, 1, int.MaxValue, nameof(EarlyStoppingPatience), "Use null to run all epochs.");
        TensorChecks.Probability(LabelSmoothing, nameof(LabelSmoothing));
        TensorChecks.Known(ClassWeighting, nameof(ClassWeighting));
        TensorChecks.Known(CancellationBehavior, nameof(CancellationBehavior));
    }

    private static void Fraction(double value, string name, string remedy) =>
        Require(value >= 0 && value <= 1, value, name, "lie in [0, 1]", remedy);

    // The rules are written so that NaN breaks them.
    private static void Require(bool holds, double value, string name, string rule, string remedy)
    {
        if (!holds)
            throw new ArgumentOutOfRangeException(name, value, $"{name} must {rule}, but is {value}. {remedy}");
    }
}
