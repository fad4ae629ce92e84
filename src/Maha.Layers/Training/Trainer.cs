using Maha.Layers.Core;
using Maha.Layers.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>
/// The training loop of all models: AdamW (Loshchilov and Hutter 2019) with warm-up and cosine decay, clipping and accumulation
/// of gradients, validation after every epoch, early stopping, and the best weights at the end.
/// </summary>
/// <remarks>
/// <para>The same seed, documents, first weights and number of threads give the same weights, bit for bit. The process is not
/// re-seeded: what draws from its random state (dropout) does so inside a <see cref="RandomStateScope"/>, which puts the state
/// back. Two trainings at a time in one process share that state, and don't repeat.</para>
/// <para>Cancellation is looked for before every batch of training and validation.</para>
/// <para>Validation sees all its documents, with dropout off. The best weights wait in the CPU's memory.</para>
/// <para>docs/training.md tells more.</para>
/// </remarks>
public sealed class Trainer
{
    /// <summary>Makes a trainer.</summary>
    /// <param name="options">How to train; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public Trainer(TrainingOptions? options = null)
    {
        Options = options ?? new TrainingOptions();
        Options.Validate();
    }

    /// <summary>How the trainer trains.</summary>
    public TrainingOptions Options { get; }

    /// <summary>Trains the module of a task.</summary>
    /// <param name="task">What to train, and for what.</param>
    /// <param name="trainingDocuments">The documents to learn from; they stay the caller's.</param>
    /// <param name="validationDocuments">
    /// The documents to judge by; null to set apart <see cref="TrainingOptions.ValidationFraction"/> of the training documents.
    /// </param>
    /// <param name="progress">Told after every step and every validation, on the training thread unless it is a <see cref="Progress{T}"/>.</param>
    /// <param name="cancellationToken">Ends the training before the next batch, as <see cref="TrainingOptions.CancellationBehavior"/> says.</param>
    /// <returns>The history. The module has the best weights, or the last where there was no validation.</returns>
    /// <exception cref="ArgumentException">There are no documents, or they or the options don't fit the task.</exception>
    /// <exception cref="TrainingDivergedException">A loss or a gradient was not finite.</exception>
    /// <exception cref="OperationCanceledException">The training was canceled.</exception>
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
            throw new ArgumentException($"EarlyStoppingMetric must be one that the task reports, but {task.GetType().Name} does not report {Options.EarlyStoppingMetric}. Use {nameof(ValidationMetric.Loss)}.", nameof(task));

        task.Begin(Options, trainingDocuments, validationDocuments);
        if (Options.Device is not null)
            task.Module.to(Options.Device);
        using var run = new TrainingRun(task, Options, trainingDocuments, validationDocuments, progress);
        return run.Run(cancellationToken);
    }

    /// <summary>Judges the module of a task by documents, with dropout off.</summary>
    /// <param name="task">What to judge.</param>
    /// <param name="documents">The documents to judge by.</param>
    /// <param name="cancellationToken">Looked for before every batch.</param>
    /// <returns>The metrics of all documents.</returns>
    /// <exception cref="ArgumentException">There are no documents, or they or the options don't fit the task.</exception>
    /// <exception cref="OperationCanceledException">The judgment was canceled.</exception>
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
            return Judge(task, documents, Options, cancellationToken);
        }
        finally
        {
            task.Module.train(wasTraining);
        }
    }

    internal static ValidationMetrics Judge(ITrainingTask task, ITokenizedDocuments documents, TrainingOptions options, CancellationToken cancellationToken)
    {
        using var guard = no_grad();
        var device = DeviceOf(task.Module);
        int[][] plan = BatchPlan.ByLength(BatchPlan.Lengths(documents), options.TokensPerBatch);
        var pass = task.BeginValidation();
        task.Module.eval();
        for (int i = 0; i < plan.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            long seed = (long)DeterministicRandom.Combine(options.Seed, TrainingRun.ValidationDraws, i);
            pass.Add(TokenBatch.Create(documents, plan[i], device, seed));
        }
        return pass.Complete();
    }

    internal static Device DeviceOf(nn.Module module) => module.parameters().FirstOrDefault()?.device ?? CPU;

    private static void RequireDocuments(ITokenizedDocuments documents, string name)
    {
        if (documents.Count == 0)
            throw new ArgumentException($"{name} must hold at least one document, but holds none. Look at what was read, and at filters before it.", name);
    }
}
