using System.Diagnostics;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Distributed;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>One training from the first step to the last: its state and its loop.</summary>
internal sealed partial class TrainingRun : IDisposable
{
    // The learning rate after a restart, as a fraction of the one before.
    private const double RestartRate = 0.25;

    private readonly ITrainingTask _task;
    private readonly TrainingOptions _options;
    private readonly ITokenizedDocuments _trainingDocuments;
    private readonly ITokenizedDocuments? _validationDocuments;
    private readonly IProgress<TrainingProgress>? _progress;
    private readonly ITrainingCheckpoints? _checkpoints;
    private readonly ProcessGroup? _group;
    private readonly bool? _readsLate;
    private readonly StepPlan _plan;
    private readonly Device _device;
    private readonly TrainingClock _clock;
    private readonly PriorBaseline? _prior;
    private readonly BestEpoch _best;
    private readonly WeightSnapshot _firstWeights = new();
    private readonly WeightSnapshot _bestWeights = new();
    private readonly List<EpochReport> _epochs = [];
    private readonly List<TrainingRestart> _restarts = [];
    private WeightOptimizer _optimizer;
    private LearningRateSchedule _schedule;
    private double _learningRate;
    private int _numberOfEpochs;
    private long _totalSteps;
    private long _firstStep;
    private double _lateLoss = double.NaN;
    private bool _isDiverged;
    private TrainingProgress? _lastStep;
    private long _step;

    public TrainingRun(
        ITrainingTask task, TrainingOptions options, ITokenizedDocuments trainingDocuments, ITokenizedDocuments? validationDocuments,
        IProgress<TrainingProgress>? progress, ITrainingCheckpoints? checkpoints, ProcessGroup? group, bool? readsLate = null)
    {
        _readsLate = readsLate;
        _checkpoints = checkpoints;
        _group = group;
        _task = task;
        _options = options;
        _trainingDocuments = trainingDocuments;
        _validationDocuments = validationDocuments;
        _progress = progress;
        _plan = new StepPlan(trainingDocuments, options);
        _prior = (task as IPriorTask)?.Prior;
        _best = new BestEpoch(_prior, options.EarlyStoppingMetric);
        _device = Trainer.DeviceOf(task.Module);

        _optimizer = WeightOptimizer.Create(task, options);
        _clock = new TrainingClock
        {
            ValidationTokens = validationDocuments is null ? 0 : BatchPlan.Lengths(validationDocuments).Sum(length => (long)length),
        };
        _learningRate = options.LearningRate;
        _numberOfEpochs = options.NumberOfEpochs;
        _schedule = StartSchedule(1);
        if (options.MaxRestarts > 0)
            _firstWeights.Capture(_optimizer.State());
    }

    private bool CanRestart => _restarts.Count < _options.MaxRestarts;

    public TrainingResult Run(CancellationToken cancellationToken)
    {
        var module = _task.Module;
        bool wasTraining = module.training;
        var outcome = TrainingOutcome.Completed;
        using var randomState = new RandomStateScope(DropoutSeed(0), _device);
        try
        {
            module.zero_grad();
            _optimizer.Begin();
            Resume();
            for (int epoch = _position.Epoch; epoch <= _numberOfEpochs && outcome == TrainingOutcome.Completed; epoch++)
            {
                bool isFinite = TryRunEpoch(epoch, cancellationToken);
                int lastChange = Math.Max(_best.LastImprovement ?? epoch, _restarts.LastOrDefault()?.Epoch ?? 0);
                bool isExhausted = _options.EarlyStoppingPatience is int patience && epoch - lastChange >= patience;
                // A training that learns slowly may be above the prior for many epochs, so only its end decides.
                bool isLost = _isDiverged && !_best.IsUseful && (isExhausted || epoch == _numberOfEpochs);
                if (CanRestart && (!isFinite || isLost))
                    Restart(epoch, isComplete: _epochs.LastOrDefault()?.Epoch == epoch);
                else if (isExhausted && epoch < _numberOfEpochs)
                    outcome = TrainingOutcome.StoppedEarly;
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested || _group is not null)
        {
            SaveCheckpointOfCanceled();
            if (_options.CancellationBehavior != CancellationBehavior.KeepBest)
                throw;
            outcome = TrainingOutcome.Canceled;
        }
        finally
        {
            _optimizer.End();
            module.train(wasTraining);
        }
        RequireFiniteResult();
        if (_best.Report is not null)
            _bestWeights.Restore(module);
        return new TrainingResult
        {
            Outcome = outcome,
            Epochs = _epochs,
            BestEpoch = _best.Report?.Epoch,
            BestValidation = _best.Metrics,
            Restarts = _restarts,
            IsBetterThanPrior = _prior is null || _best.Report is null ? null : _best.IsUseful,
            PriorLoss = _prior?.ValidationLoss,
            Steps = _step,
            NumTrainingDocuments = _trainingDocuments.Count,
            NumValidationDocuments = _validationDocuments?.Count ?? 0,
            Duration = _clock.Elapsed,
        };
    }

    public void Dispose()
    {
        ForgetQueued();
        _optimizer.Dispose();
        _bestWeights.Dispose();
        _firstWeights.Dispose();
        _randomState?.Dispose();
    }

    // The learning rate rises and falls anew from an epoch to the last one.
    private LearningRateSchedule StartSchedule(int epoch)
    {
        _firstStep = _step;
        long steps = _plan.CountSteps(epoch, _numberOfEpochs);
        _totalSteps = _step + steps;
        int epochs = _numberOfEpochs - epoch + 1;
        _clock.Plan(_plan.TokensOfEpoch * epochs, _validationDocuments is null ? 0 : epochs);
        return CreateSchedule(steps);
    }

    private LearningRateSchedule CreateSchedule(long steps) =>
        new(_learningRate, _options.MinLearningRateFraction, _options.WarmupFraction, steps, _options.LearningRateDecay);

    private void Restart(int epoch, bool isComplete)
    {
        bool fromBest = _best.IsUseful;
        _optimizer.End();
        (fromBest ? _bestWeights : _firstWeights).Restore(_task.Module);
        var ended = _optimizer;
        // The averages of the gradients are those of the divergence.
        _optimizer = WeightOptimizer.Create(_task, _options);
        ended.Dispose();
        _optimizer.Begin();
        _best.Restart();
        // The step after the one that was not finite may have drawn already.
        RandomStateScope.Seed(DropoutSeed(_step), _device);
        _learningRate *= RestartRate;
        _numberOfEpochs = Math.Max(_numberOfEpochs, epoch + ((_options.NumberOfEpochs + 1) / 2));
        _restarts.Add(new TrainingRestart
        {
            Epoch = epoch,
            TrainingLoss = _lateLoss,
            ValidationLoss = isComplete ? _epochs[^1].Validation?.Loss : null,
            PriorLoss = _prior?.ValidationLoss,
            FromEpoch = fromBest ? _best.Report!.Epoch : null,
            LearningRate = _learningRate,
        });
        _schedule = StartSchedule(epoch + 1);
        if (_lastStep is not null)
            _lastStep = _lastStep with { NumberOfEpochs = _numberOfEpochs, TotalSteps = _totalSteps };
        _progress?.Report((_lastStep ?? Progress(epoch, _lateLoss, 0, 0)) with { Elapsed = _clock.Elapsed, TimeLeft = _clock.TimeLeft, Restart = _restarts[^1] });
    }

    // Returns whether the losses of the epoch are finite. If one is not, a training that may restart goes on.
    private bool TryRunEpoch(int epoch, CancellationToken cancellationToken)
    {
        try
        {
            RunEpoch(epoch, cancellationToken);
            return _epochs[^1].Validation is not { IsFinite: false };
        }
        catch (TrainingDivergedException e) when (CanRestart)
        {
            _lateLoss = e.Loss;
            return false;
        }
    }

    private void RunEpoch(int epoch, CancellationToken cancellationToken)
    {
        if (_position.Epoch != epoch || _randomState is null)
            Advance(_position.Epoch == epoch ? _position : new EpochPosition { Epoch = epoch, Started = _clock.Elapsed });
        var (batches, steps) = _plan.Epoch(epoch);
        _task.Module.train();
        for (int i = _position.NextStep; i < steps.Length; i++)
        {
            Step(epoch, batches, steps[i], isLate: i >= steps.Length / 2, cancellationToken);
            if (_group is null ? _checkpoints?.IsDue == true : _isSaveDue)
                SaveCheckpoint();
        }
        ReadQueued();
        _lateLoss = _position.LateSum / _position.LateCount;

        var validation = Validate(cancellationToken);
        var report = new EpochReport
        {
            Epoch = epoch,
            TrainingLoss = _position.LossSum / _position.Count,
            Validation = WithoutLogits(validation),
            Duration = _clock.Elapsed - _position.Started,
        };
        _epochs.Add(report);
        _isDiverged = validation is not null && _best.HasDiverged(validation, _lateLoss);
        if (validation is not null && _best.Offer(report, validation, _isDiverged))
            _bestWeights.Capture(_optimizer.State());
    }

    private TrainingProgress Progress(int epoch, double loss, double learningRate, double norm) => new()
    {
        Epoch = epoch,
        NumberOfEpochs = _numberOfEpochs,
        Step = _step,
        TotalSteps = _totalSteps,
        Loss = loss,
        LearningRate = learningRate,
        GradientNorm = norm,
        TokensPerSecond = _clock.TokensPerSecond,
        Elapsed = _clock.Elapsed,
        TimeLeft = _clock.TimeLeft,
    };

    private ValidationMetrics? Validate(CancellationToken cancellationToken)
    {
        if (_validationDocuments is null)
            return null;
        long started = Stopwatch.GetTimestamp();
        var metrics = Trainer.Validate(_task, _validationDocuments, _options, _group, cancellationToken);
        _clock.AddValidation(Stopwatch.GetElapsedTime(started));
        _progress?.Report(_lastStep! with { Elapsed = _clock.Elapsed, TimeLeft = _clock.TimeLeft, Validation = WithoutLogits(metrics) });
        return metrics;
    }

    private static ValidationMetrics? WithoutLogits(ValidationMetrics? metrics) => metrics is null ? null : metrics with { Logits = null };
}
