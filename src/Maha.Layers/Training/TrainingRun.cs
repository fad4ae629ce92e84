using System.Diagnostics;
using Maha.Layers.Core;
using Maha.Layers.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>One training from the first step to the last: its state and its loop.</summary>
internal sealed class TrainingRun : IDisposable
{
    // Planning takes time before the first step. This many epochs give the mean number of batches of the others.
    private const int MaxPlannedEpochs = 256;

    private readonly ITrainingTask _task;
    private readonly TrainingOptions _options;
    private readonly ITokenizedDocuments _trainingDocuments;
    private readonly ITokenizedDocuments? _validationDocuments;
    private readonly IProgress<TrainingProgress>? _progress;
    private readonly int[] _lengths;
    private readonly Device _device;
    private readonly WeightOptimizer _optimizer;
    private readonly LearningRateSchedule _schedule;
    private readonly TrainingClock _clock;
    private readonly WeightSnapshot _bestWeights = new();
    private readonly List<EpochReport> _epochs = [];
    private readonly long _totalSteps;
    private EpochReport? _best;
    private ValidationMetrics? _bestValidation;
    private TrainingProgress? _lastStep;
    private long _step;

    public TrainingRun(
        ITrainingTask task, TrainingOptions options, ITokenizedDocuments trainingDocuments, ITokenizedDocuments? validationDocuments,
        IProgress<TrainingProgress>? progress)
    {
        _task = task;
        _options = options;
        _trainingDocuments = trainingDocuments;
        _validationDocuments = validationDocuments;
        _progress = progress;
        _lengths = BatchPlan.Lengths(trainingDocuments);
        _device = Trainer.DeviceOf(task.Module);

        var groups = ParameterGroups.Create(task.Module, options.WeightDecay, task as ILearningRateFactors);
        if (groups.Count == 0)
        {
            throw new ArgumentException(
                $"The module of the task must have parameters that require gradients, but {task.Module.GetName()} has none. " +
                "Register its parts, or unfreeze some.", nameof(task));
        }
        if (options.ComputeType is ScalarType computeType)
            MasterWeightOptimizer.RequireFloat32(task.Module, computeType);
        _optimizer = options.ComputeType is ScalarType.BFloat16
            ? new MasterWeightOptimizer(task.Module, groups, ScalarType.BFloat16)
            : new ParameterOptimizer(task.Module, groups, options.LearningRate);

        _totalSteps = TotalSteps(options.NumberOfEpochs);
        _schedule = new LearningRateSchedule(
            options.LearningRate, options.MinLearningRateFraction, options.WarmupFraction, _totalSteps, options.LearningRateDecay);
        long trainingTokens = _lengths.Sum(length => (long)length) * options.NumberOfEpochs;
        _clock = new TrainingClock(trainingTokens, validationDocuments is null ? 0 : options.NumberOfEpochs)
        {
            ValidationTokens = validationDocuments is null ? 0 : BatchPlan.Lengths(validationDocuments).Sum(length => (long)length),
        };
    }

    public TrainingResult Run(CancellationToken cancellationToken)
    {
        var module = _task.Module;
        bool wasTraining = module.training;
        var outcome = TrainingOutcome.Completed;
        using var randomState = new RandomStateScope((long)DeterministicRandom.Combine(_options.Seed, SeedPurpose.Dropout, 0), _device);
        try
        {
            module.zero_grad();
            _optimizer.Begin();
            for (int epoch = 1; epoch <= _options.NumberOfEpochs && outcome == TrainingOutcome.Completed; epoch++)
            {
                RunEpoch(epoch, cancellationToken);
                bool isExhausted = _best is not null && _options.EarlyStoppingPatience is int patience && epoch - _best.Epoch >= patience;
                if (isExhausted && epoch < _options.NumberOfEpochs)
                    outcome = TrainingOutcome.StoppedEarly;
            }
        }
        catch (OperationCanceledException) when (_options.CancellationBehavior == CancellationBehavior.KeepBest && cancellationToken.IsCancellationRequested)
        {
            outcome = TrainingOutcome.Canceled;
        }
        finally
        {
            _optimizer.End();
            module.train(wasTraining);
        }
        // Only validation can find that the last step diverged. Where no epoch ended with a finite loss, there are no weights worth keeping.
        if (_best is { Validation: { IsFinite: false, Loss: var loss } })
        {
            throw new TrainingDivergedException(
                "validation loss", loss, _best.Epoch, _step, _totalSteps, _lastStep!.Loss, _lastStep.LearningRate, _options, isStepDone: true);
        }
        if (_best is not null)
            _bestWeights.Restore(module);
        return new TrainingResult
        {
            Outcome = outcome,
            Epochs = _epochs,
            BestEpoch = _best?.Epoch,
            BestValidation = _bestValidation,
            Steps = _step,
            NumTrainingDocuments = _trainingDocuments.Count,
            NumValidationDocuments = _validationDocuments?.Count ?? 0,
            Duration = _clock.Elapsed,
        };
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _bestWeights.Dispose();
    }

    private int[][] Plan(int epoch) => BatchPlan.Shuffled(_lengths, _options.TokensPerBatch, _options.Seed, epoch);

    private long NumSteps(int batches) => (batches + (long)_options.GradientAccumulation - 1) / _options.GradientAccumulation;

    // The number of batches differs a little by epoch, since each shuffles anew, and the schedule needs the number of all steps.
    private long TotalSteps(int numberOfEpochs)
    {
        int planned = Math.Min(numberOfEpochs, MaxPlannedEpochs);
        long steps = Enumerable.Range(1, planned).Sum(epoch => NumSteps(Plan(epoch).Length));
        return steps + (long)Math.Ceiling((double)steps / planned * (numberOfEpochs - planned));
    }

    private void RunEpoch(int epoch, CancellationToken cancellationToken)
    {
        var started = _clock.Elapsed;
        int[][] plan = Plan(epoch);
        double lossSum = 0, count = 0;
        _task.Module.train();
        for (int first = 0; first < plan.Length; first += _options.GradientAccumulation)
        {
            int last = (int)Math.Min((long)first + _options.GradientAccumulation, plan.Length);
            var (stepLoss, stepCount) = Step(epoch, plan, first, last, cancellationToken);
            lossSum += stepLoss * stepCount;
            count += stepCount;
        }

        var validation = Validate(cancellationToken);
        var report = new EpochReport
        {
            Epoch = epoch,
            TrainingLoss = lossSum / count,
            Validation = WithoutLogits(validation),
            Duration = _clock.Elapsed - started,
        };
        _epochs.Add(report);
        if (validation is not null && validation.IsBetterThan(_best?.Validation, _options.EarlyStoppingMetric))
        {
            _best = report;
            _bestValidation = validation;
            _bestWeights.Capture(_optimizer.State());
        }
    }

    // The gradient of a step is that of sum(count_i loss_i) / sum(count_i) over its batches i. The batches add up
    // sum(count_i / count_1 loss_i), whose size is that of one batch, and the sum is scaled at the end. A step of one batch needs no scaling.
    private (double Loss, double Count) Step(int epoch, int[][] plan, int first, int last, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        double learningRate = _schedule.RateAt(_step);
        double lossSum = 0, count = 0, firstCount = 0, norm = 0;
        long tokens = 0;
        for (int b = first; b < last; b++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            long seed = (long)DeterministicRandom.Combine(_options.Seed, SeedPurpose.TrainingDraws, ((long)epoch << 32) | (uint)b);
            var batch = TokenBatch.Create(_trainingDocuments, plan[b], _device, seed, (double)_step / _totalSteps);
            tokens += batch.NumTokens;
            var loss = _task.Loss(batch);
            if (loss.Count == 0)
                continue;
            double value = loss.Mean.ToDouble();
            if (!double.IsFinite(value))
                throw Diverged("loss", value, epoch, value, learningRate);
            if (count == 0)
                firstCount = loss.Count;
            var scaled = loss.Count == firstCount ? loss.Mean : loss.Mean * (loss.Count / firstCount);
            BackwardPass.Run(scaled);
            _optimizer.CollectGradients();
            lossSum += value * loss.Count;
            count += loss.Count;
        }

        if (count > 0)
        {
            if (count != firstCount)
                _optimizer.ScaleGradients(firstCount / count);
            norm = _optimizer.ClipGradients(_options.MaxGradientNorm);
            if (!double.IsFinite(norm))
                throw Diverged("gradient norm", norm, epoch, lossSum / count, learningRate);
            _optimizer.Step(learningRate);
        }
        _step++;
        _clock.AddStep(tokens, Stopwatch.GetElapsedTime(started));
        double mean = lossSum / count;
        _lastStep = new TrainingProgress
        {
            Epoch = epoch,
            NumberOfEpochs = _options.NumberOfEpochs,
            Step = _step,
            TotalSteps = _totalSteps,
            Loss = mean,
            LearningRate = learningRate,
            GradientNorm = norm,
            TokensPerSecond = _clock.TokensPerSecond,
            Elapsed = _clock.Elapsed,
            TimeLeft = _clock.TimeLeft,
        };
        _progress?.Report(_lastStep);
        return (count > 0 ? mean : 0, count);
    }

    private ValidationMetrics? Validate(CancellationToken cancellationToken)
    {
        if (_validationDocuments is null)
            return null;
        long started = Stopwatch.GetTimestamp();
        var metrics = Trainer.Validate(_task, _validationDocuments, _options, cancellationToken);
        _clock.AddValidation(Stopwatch.GetElapsedTime(started));
        _progress?.Report(_lastStep! with { Elapsed = _clock.Elapsed, TimeLeft = _clock.TimeLeft, Validation = WithoutLogits(metrics) });
        return metrics;
    }

    private static ValidationMetrics? WithoutLogits(ValidationMetrics? metrics) => metrics is null ? null : metrics with { Logits = null };

    private TrainingDivergedException Diverged(string quantity, double value, int epoch, double loss, double learningRate) =>
        new(quantity, value, epoch, _step + 1, _totalSteps, loss, learningRate, _options, isStepDone: false);
}
