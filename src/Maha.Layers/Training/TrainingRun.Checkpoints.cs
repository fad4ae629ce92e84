using Maha.Layers.Core;
using Maha.Layers.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <content>The state between two steps: it is written to checkpoints, and a training goes on from it.</content>
internal sealed partial class TrainingRun
{
    // The position after the last step, with the random state there. Until the next step changes weights, a checkpoint of it can be written.
    private EpochPosition _position = new() { Epoch = 1 };
    private Tensor? _randomState;

    private void Advance(EpochPosition position)
    {
        _position = position;
        if (_checkpoints is null)
            return;
        _randomState?.Dispose();
        _randomState = random.get_rng_state().DetachFromDisposeScope();
    }

    // In a group every process comes here, so that all of them learn at the same place that the queued step is not finite; the root alone writes.
    private void SaveCheckpoint()
    {
        ReadQueued();
        if (_checkpoints is null || _randomState is null)
            return;
        using var guard = no_grad();
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor> { [TrainingCheckpoint.RandomState] = _randomState };
        Add(TrainingCheckpoint.WeightsPrefix, _optimizer.State());
        Add(TrainingCheckpoint.OptimizerPrefix, _optimizer.Moments());
        Add(TrainingCheckpoint.BestPrefix, _bestWeights.Copies);
        if (_best.Metrics?.Logits is { } logits)
            tensors.Add(TrainingCheckpoint.Logits, TrainingCheckpoint.ToTensor(logits));
        var state = new TrainingState
        {
            Position = _position,
            Step = _step,
            FirstStep = _firstStep,
            TotalSteps = _totalSteps,
            NumberOfEpochs = _numberOfEpochs,
            LearningRate = _learningRate,
            LateLoss = _lateLoss,
            IsDiverged = _isDiverged,
            LastStep = _lastStep,
            Epochs = _epochs,
            Restarts = _restarts,
            Best = _best.State,
            Clock = _clock.State,
        };
        _checkpoints.Save(stream => TrainingCheckpoint.Write(stream, state, tensors));

        void Add(string prefix, IReadOnlyDictionary<string, Tensor> named)
        {
            foreach (var (name, tensor) in named)
                tensors.Add(prefix + name, tensor);
        }
    }

    // A queued step that is not finite would have been followed by a restart, which a canceled training does not need. Going on begins before that step.
    // Before the first step there is nothing to go on from: a state would say that the training has begun.
    private void SaveCheckpointOfCanceled()
    {
        if (_step == 0)
            return;
        try
        {
            SaveCheckpoint();
        }
        catch (TrainingDivergedException) when (CanRestart)
        {
        }
    }

    // Called once the module and the optimizer are those of a training that begins.
    private void Resume()
    {
        using var stream = OpenState();
        if (stream is null)
            return;
        using var scope = NewDisposeScope();
        var (state, tensors) = TrainingCheckpoint.Read(stream);
        _optimizer.Restore(tensors.WithPrefix(TrainingCheckpoint.WeightsPrefix), tensors.WithPrefix(TrainingCheckpoint.OptimizerPrefix));
        _bestWeights.Capture(tensors.WithPrefix(TrainingCheckpoint.BestPrefix));
        _best.Restore(state.Best, tensors.TryGetValue(TrainingCheckpoint.Logits, out var logits) ? TrainingCheckpoint.ToRows(logits) : null);
        (_step, _firstStep, _totalSteps) = (state.Step, state.FirstStep, state.TotalSteps);
        (_numberOfEpochs, _learningRate) = (state.NumberOfEpochs, state.LearningRate);
        (_lateLoss, _isDiverged, _lastStep) = (state.LateLoss, state.IsDiverged, state.LastStep);
        _epochs.AddRange(state.Epochs);
        _restarts.AddRange(state.Restarts);
        _clock.Restore(state.Clock);
        _schedule = CreateSchedule(_totalSteps - _firstStep);
        if (_group?.IsRoot != false)
            RestoreRandomState(tensors[TrainingCheckpoint.RandomState]);
        else
            RandomStateScope.Seed(DropoutSeed(_step), _device);
        Advance(state.Position);
        _checkpoints?.OnResumed(state);
    }

    // The root reads the checkpoint for all processes, which need not be as many as those that wrote it.
    private Stream? OpenState()
    {
        if (_group is null)
            return _checkpoints?.Open();
        using var own = _checkpoints?.Open();
        byte[]? bytes = null;
        if (_group.IsRoot)
        {
            using var copy = new MemoryStream();
            own?.CopyTo(copy);
            bytes = copy.ToArray();
        }
        bytes = _group.Broadcast(bytes);
        return bytes.Length == 0 ? null : new MemoryStream(bytes, writable: false);
    }

    private void RestoreRandomState(Tensor state)
    {
        try
        {
            RandomStateScope.Restore(state);
        }
        catch (ArgumentException e)
        {
            throw new WeightFileException($"A checkpoint must have the random state of its training, but has not: {e.Message} Delete the checkpoint.", e);
        }
        // The state of CUDA's generators can't be read. Another seed than at the start, so that dropout does not repeat itself.
        if (_device.type == DeviceType.CUDA)
            cuda.manual_seed_all(DropoutSeed(_step));
    }
}
