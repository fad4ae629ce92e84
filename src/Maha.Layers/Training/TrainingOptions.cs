using Maha.Layers.Core;
using Maha.Layers.Data;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>Options of <see cref="Trainer"/>. The defaults are for a small model that is trained from random weights.</summary>
public sealed record TrainingOptions
{
    /// <summary>The number of epochs: passes over all training documents.</summary>
    /// <value>Default: 10. At least 1.</value>
    public int NumberOfEpochs { get; init; } = 10;

    /// <summary>The highest learning rate, reached at the end of the warm-up.</summary>
    /// <value>Default: 1e-3, for models with random weights. Use about 1e-4 to fine-tune a trained model. Above 0 and finite.</value>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>The fraction of all steps during which the learning rate rises linearly from 0 (warm-up).</summary>
    /// <value>Default: 0.1. In [0, 1].</value>
    public double WarmupFraction { get; init; } = 0.1;

    /// <summary>The last learning rate as a fraction of <see cref="LearningRate"/>. After the warm-up the rate falls to it along half a cosine.</summary>
    /// <value>Default: 0.05. In [0, 1]; 1 keeps the rate constant after the warm-up.</value>
    public double MinLearningRateFraction { get; init; } = 0.05;

    /// <summary>The weight decay of AdamW on the weights of linear layers and convolutions. Biases, norms and embeddings do not decay.</summary>
    /// <value>Default: 0.01. At least 0 and finite.</value>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>The maximum norm of all gradients together. Larger gradients are scaled down to it.</summary>
    /// <value>Default: 1. Above 0; infinity switches clipping off.</value>
    public double MaxGradientNorm { get; init; } = 1;

    /// <summary>The maximum number of tokens of a batch, padding included. A longer document is a batch of its own.</summary>
    /// <value>Default: 8,192. From 1 to 1,073,741,824.</value>
    public int TokensPerBatch { get; init; } = 8192;

    /// <summary>The number of batches whose gradients are averaged for one step. It has the effect of a larger batch in the memory of a small one.</summary>
    /// <value>Default: 1. From 1 to 1,048,576.</value>
    public int GradientAccumulation { get; init; } = 1;

    /// <summary>
    /// The minimum number of documents of a step: further batches are averaged for the step until it has so many. A batch has few documents
    /// where they are long, and the gradient of few documents is too noisy for a high <see cref="LearningRate"/>.
    /// </summary>
    /// <value>
    /// Default: 1, so that <see cref="GradientAccumulation"/> alone counts. Use about 32 for long documents. From 1 to 1,048,576. An epoch of
    /// fewer documents is one step.
    /// </value>
    public int MinDocumentsPerStep { get; init; } = 1;

    /// <summary>
    /// The number of times that a training that diverges starts again at a quarter of the learning rate. It starts from the best weights so
    /// far, or from the first ones if no epoch predicted better than the prior, which is the share of each class.
    /// </summary>
    /// <value>
    /// Default: 0. From 0 to 10. A loss that is not finite causes a restart at once. A classification has its epochs first, or as many as
    /// <see cref="EarlyStoppingPatience"/> leaves, and starts again if no epoch was better than the prior and the last one has diverged: its training
    /// and validation losses are more than 2% above those of the prior, and its validation loss is above that of the first epoch since the start or
    /// restart. A restart runs for the rest of the epochs, at least for half of <see cref="NumberOfEpochs"/>.
    /// </value>
    public int MaxRestarts { get; init; }

    /// <summary>
    /// The fraction of the training documents that is set apart for validation where no validation documents are passed. Each class is
    /// split in the same proportion.
    /// </summary>
    /// <value>Default: 0.1. In [0, 1); 0 trains without validation.</value>
    public double ValidationFraction { get; init; } = 0.1;

    /// <summary>The validation metric that determines the best epoch.</summary>
    /// <value>Default: <see cref="ValidationMetric.Loss"/>, which every task reports.</value>
    public ValidationMetric EarlyStoppingMetric { get; init; } = ValidationMetric.Loss;

    /// <summary>The number of epochs without an improvement of the metric after which the training ends.</summary>
    /// <value>Default: 3. At least 1; null runs all epochs. In both cases the weights of the best epoch are restored.</value>
    public int? EarlyStoppingPatience { get; init; } = 3;

    /// <summary>The fraction of the target probability that the loss distributes equally over all classes or tokens (label smoothing).</summary>
    /// <value>Default: 0. In [0, 1). Validation always uses the loss without smoothing.</value>
    public double LabelSmoothing { get; init; }

    /// <summary>The weights of the classes in the loss. Validation always gives every document the same weight.</summary>
    /// <value>Default: <see cref="ClassWeighting.None"/>.</value>
    public ClassWeighting ClassWeighting { get; init; } = ClassWeighting.None;

    /// <summary>What a canceled training does.</summary>
    /// <value>Default: <see cref="CancellationBehavior.Throw"/>.</value>
    public CancellationBehavior CancellationBehavior { get; init; } = CancellationBehavior.Throw;

    /// <summary>The seed of the validation split, the order of the documents, dropout, and the random draws of tasks.</summary>
    /// <value>Default: 0. Any number. It does not determine the first weights, which are drawn when the model is built.</value>
    public int Seed { get; init; }

    /// <summary>The device to train on. The model is moved to it and stays there.</summary>
    /// <value>Default: null, the device of the model's weights.</value>
    public Device? Device { get; init; }

    /// <summary>
    /// The type of the numbers that the model computes with during the training. <see cref="ScalarType.BFloat16"/> makes training faster on GPUs: the
    /// forward and backward passes and validation use it, while the weights, their gradients and the optimizer keep the precision of Float32.
    /// </summary>
    /// <value>
    /// Default: null, the type of the weights. Float32 or BFloat16, both for models whose floating-point weights are Float32. The weights are
    /// Float32 again when the training ends, also by an exception. BFloat16 replaces the parameters of the module, as <c>to(...)</c> does:
    /// parameter objects taken from the module before the training are disposed. Most processors compute in BFloat16 slowly.
    /// </value>
    public ScalarType? ComputeType { get; init; }

    /// <summary>The weights of the classes in the loss, [C]; null for equal ones. Ignored with <see cref="ClassWeighting.Balanced"/>.</summary>
    internal IReadOnlyList<double>? ClassWeights { get; init; }

    /// <summary>How the learning rate falls after the warm-up. The default is <see cref="LearningRateDecay.Cosine"/>.</summary>
    internal LearningRateDecay LearningRateDecay { get; init; } = LearningRateDecay.Cosine;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">An option is out of range. The message states the rule, the value and the remedy.</exception>
    public void Validate()
    {
        TensorChecks.InRange(NumberOfEpochs, 1, int.MaxValue, nameof(NumberOfEpochs), "Use about 10 for small data.");
        TensorChecks.Require(LearningRate > 0 && double.IsFinite(LearningRate), LearningRate, nameof(LearningRate), "be above 0 and finite", "Try 0.001.");
        TensorChecks.Fraction(WarmupFraction, nameof(WarmupFraction), "Use 0 for no warm-up.");
        TensorChecks.Fraction(MinLearningRateFraction, nameof(MinLearningRateFraction), "Use 1 for a constant rate.");
        TensorChecks.Require(
            WeightDecay >= 0 && double.IsFinite(WeightDecay), WeightDecay, nameof(WeightDecay), "be at least 0 and finite", "Use 0 to switch it off.");
        TensorChecks.Require(MaxGradientNorm > 0, MaxGradientNorm, nameof(MaxGradientNorm), "be above 0", "Use infinity to switch clipping off.");
        TensorChecks.InRange(TokensPerBatch, 1, 1 << 30, nameof(TokensPerBatch), "Use about ten times the length of a typical document.");
        TensorChecks.InRange(GradientAccumulation, 1, 1 << 20, nameof(GradientAccumulation), "Use 1 for one step per batch.");
        TensorChecks.InRange(MinDocumentsPerStep, 1, 1 << 20, nameof(MinDocumentsPerStep), "Use 1 for one step per batch, and about 32 for long documents.");
        TensorChecks.InRange(MaxRestarts, 0, 10, nameof(MaxRestarts), "Use 0 to never start again.");
        TensorChecks.Probability(ValidationFraction, nameof(ValidationFraction));
        TensorChecks.Known(EarlyStoppingMetric, nameof(EarlyStoppingMetric));
        if (EarlyStoppingPatience is int patience)
            TensorChecks.InRange(patience, 1, int.MaxValue, nameof(EarlyStoppingPatience), "Use null to run all epochs.");
        TensorChecks.Probability(LabelSmoothing, nameof(LabelSmoothing));
        TensorChecks.Known(ClassWeighting, nameof(ClassWeighting));
        TensorChecks.Known(CancellationBehavior, nameof(CancellationBehavior));
        if (ComputeType is not (null or ScalarType.Float32 or ScalarType.BFloat16))
        {
            throw new ArgumentOutOfRangeException(
                nameof(ComputeType), ComputeType,
                $"{nameof(ComputeType)} must be null, Float32 or BFloat16, but is {ComputeType}. Use BFloat16 on a GPU, and null elsewhere.");
        }
        TensorChecks.Known(LearningRateDecay, nameof(LearningRateDecay));
    }
}
