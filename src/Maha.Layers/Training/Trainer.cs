using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Distributed;
using Maha.Layers.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>
/// Trains a model on documents: AdamW (Loshchilov and Hutter 2019) with warm-up and cosine decay, gradient clipping and accumulation,
/// validation after every epoch, early stopping, and the best weights at the end.
/// </summary>
/// <remarks>
/// <para>The same seed, documents, first weights and number of threads give the same weights, bit for bit. The trainer seeds the random
/// state of the process for dropout and restores it at the end. Two trainings that run at the same time in one process share that state,
/// so they cannot be repeated.</para>
/// <para>Cancellation is checked before every batch of training and validation.</para>
/// <para>Validation uses all of its documents, with dropout off. The best weights are kept in CPU memory during the training.</para>
/// </remarks>
public sealed class Trainer
{
    /// <summary>Creates a trainer.</summary>
    /// <param name="options">The options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public Trainer(TrainingOptions? options = null)
    {
        Options = options ?? new TrainingOptions();
        Options.Validate();
    }

    /// <summary>The options of the trainer.</summary>
    public TrainingOptions Options { get; }

    /// <summary>Keeps the state of the training, from which a later one goes on; null for none.</summary>
    internal ITrainingCheckpoints? Checkpoints { get; init; }

    /// <summary>Whether the losses of a step are read while the next one is computed; null to do so on CUDA devices.</summary>
    internal bool? ReadsLate { get; init; }

    /// <summary>The processes that train together; null for this one alone. Only the root has <see cref="Checkpoints"/>.</summary>
    internal ProcessGroup? Group { get; init; }

    /// <summary>Trains the module of a task.</summary>
    /// <param name="task">The task, with the module to train.</param>
    /// <param name="trainingDocuments">The documents to train on. The caller disposes them.</param>
    /// <param name="validationDocuments">
    /// The documents to validate on; null to set apart <see cref="TrainingOptions.ValidationFraction"/> of the training documents.
    /// </param>
    /// <param name="progress">
    /// Receives a report after every step and every validation, on the calling thread unless it is a <see cref="Progress{T}"/>.
    /// </param>
    /// <param name="cancellationToken">
    /// Checked before every batch. <see cref="TrainingOptions.CancellationBehavior"/> specifies what a canceled training does.
    /// </param>
    /// <returns>The history of the training. The module has the best weights, or the last weights without validation.</returns>
    /// <exception cref="ArgumentException">There are no documents, or the documents or options do not fit the task.</exception>
    /// <exception cref="TrainingDivergedException">
    /// A training loss or a gradient norm was not finite, or the validation loss of every epoch was not finite.
    /// </exception>
    /// <exception cref="OperationCanceledException">
    /// The training was canceled and <see cref="TrainingOptions.CancellationBehavior"/> is <see cref="CancellationBehavior.Throw"/>.
    /// </exception>
    public TrainingResult Train(
        ITrainingTask task, ITokenizedDocuments trainingDocuments, ITokenizedDocuments? validationDocuments = null,
        IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(trainingDocuments);
        RequireDocuments(trainingDocuments, nameof(trainingDocuments));
        if (validationDocuments is not null)
            RequireDocuments(validationDocuments, nameof(validationDocuments));
        else if (Options.ValidationFraction > 0)
            (trainingDocuments, validationDocuments) = DocumentSubset.Split(trainingDocuments, Options.ValidationFraction, Options.Seed);
        if (validationDocuments is not null && !task.Reports(Options.EarlyStoppingMetric))
        {
            throw new ArgumentException(
                $"EarlyStoppingMetric must be one that the task reports, but {task.GetType().Name} does not report {Options.EarlyStoppingMetric}. " +
                $"Use {nameof(ValidationMetric.Loss)}.", nameof(task));
        }

        task.Begin(Options, trainingDocuments, validationDocuments);
        if (Options.Device is not null)
            task.Module.to(Options.Device);
        if (Group is not null)
            GradientBuckets.Spread(Group, ModuleWeights.StateOf(task.Module).Values);
        using var run = new TrainingRun(task, Options, trainingDocuments, validationDocuments, progress, Checkpoints, Group, ReadsLate);
        return run.Run(cancellationToken);
    }

    /// <summary>Evaluates the module of a task on documents, with dropout off.</summary>
    /// <param name="task">The task, with the module to evaluate.</param>
    /// <param name="documents">The documents to evaluate on.</param>
    /// <param name="cancellationToken">Checked before every batch.</param>
    /// <returns>The metrics over all documents.</returns>
    /// <exception cref="ArgumentException">There are no documents, or the documents or options do not fit the task.</exception>
    /// <exception cref="OperationCanceledException">The evaluation was canceled.</exception>
    public ValidationMetrics Evaluate(ITrainingTask task, ITokenizedDocuments documents, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(task);
        ArgumentNullException.ThrowIfNull(documents);
        RequireDocuments(documents, nameof(documents));
        task.Begin(Options, documents, null);
        if (Options.Device is not null)
            task.Module.to(Options.Device);
        bool wasTraining = task.Module.training;
        try
        {
            return Validate(task, documents, Options, group: null, cancellationToken);
        }
        finally
        {
            task.Module.train(wasTraining);
        }
    }

    internal static ValidationMetrics Validate(
        ITrainingTask task, ITokenizedDocuments documents, TrainingOptions options, ProcessGroup? group, CancellationToken cancellationToken)
    {
        using var guard = no_grad();
        var device = DeviceOf(task.Module);
        int[][] plan = BatchPlan.ByLength(BatchPlan.Lengths(documents), options.TokensPerBatch);
        var pass = task.BeginValidation();
        // A pass of another kind can't be divided: every process then makes the whole.
        var shared = group is null ? null : pass as ISharedValidationPass;
        task.Module.eval();
        byte[]? computed = null;
        for (int i = 0; i < plan.Length; i++)
        {
            using var scope = NewDisposeScope();
            int turn = group is null ? 0 : i % group.Size;
            if (group is null)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }
            else if (turn == 0)
            {
                if (group.Any(cancellationToken.IsCancellationRequested))
                    throw new OperationCanceledException("The validation was canceled in one of the processes that train together.", cancellationToken);
                computed = shared is not null && i + group.Rank < plan.Length ? shared.Compute(BatchOf(i + group.Rank)) : null;
            }
            if (shared is not null)
                shared.Add(BatchOf(i), group!.Broadcast(turn == group.Rank ? computed : null, turn));
            else
                pass.Add(BatchOf(i));
        }
        return pass.Complete();

        TokenBatch BatchOf(int index) =>
            TokenBatch.Create(documents, plan[index], device, (long)DeterministicRandom.Combine(options.Seed, SeedPurpose.ValidationDraws, index));
    }

    internal static Device DeviceOf(nn.Module module) => module.parameters().FirstOrDefault()?.device ?? CPU;

    private static void RequireDocuments(ITokenizedDocuments documents, string name)
    {
        if (documents.Count == 0)
            throw new ArgumentException($"{name} must hold at least one document, but holds none. Check what was read, and filters before it.", name);
    }
}
