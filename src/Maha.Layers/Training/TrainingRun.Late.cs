using System.Diagnostics;
using Maha.Layers.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <content>
/// Steps whose losses are read late: on a CUDA device the processor queues the next step before it waits for the losses of the one before, so that the device does
/// not wait for the processor. The numbers and reports are the same, one step later; a step that is not finite, and those after it, change no weights. Processes
/// that train together exchange the numbers of tokens of a step at once, by the processors, and its loss on the device.
/// </content>
internal sealed partial class TrainingRun
{
    // The step whose losses have not been read.
    private QueuedStep? _queued;

    // The end of the last step that was read, or the begin of the first one after a pause.
    private long _readAt;

    private bool ReadsLate => _readsLate ?? _device.type == DeviceType.CUDA;

    // Queues a step, and reads the one before.
    private void QueueStep(int epoch, int[][] batches, Range step, bool isLate, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        if (_queued is null)
            _readAt = Stopwatch.GetTimestamp();
        double learningRate = _schedule.RateAt(_step - _firstStep);
        var losses = new List<(Tensor Mean, double Count)>();
        var own = AddGradients(epoch, batches, step, learningRate, losses, cancellationToken);
        var sums = _group is null ? own : SumOverGroup(own, epoch, learningRate, cancellationToken);
        IReadOnlyList<double> counts = _group is null ? [.. losses.Select(loss => loss.Count)] : [sums.Count];
        CudaReading? reading = null;
        if (sums.Count > 0)
        {
            var measured = _group is null ? stack(losses.Select(loss => loss.Mean)) : MeanOverGroup(losses, sums.Count);
            CompleteGradients(own.FirstCount / sums.Count);
            reading = CudaReading.Queue(_optimizer.TryStep(_options.MaxGradientNorm, learningRate, measured));
        }
        _step++;
        var before = _queued;
        _queued = new QueuedStep(epoch, _step, learningRate, counts, sums.Tokens, isLate, reading);
        Advance(_position with { NextStep = _position.NextStep + 1 });
        Read(before);
    }

    // Reads the step that is queued: afterwards position and state are those of the weights.
    private void ReadQueued()
    {
        var queued = _queued;
        _queued = null;
        Read(queued);
    }

    private void ForgetQueued()
    {
        _queued?.Dispose();
        _queued = null;
    }

    private void Read(QueuedStep? step)
    {
        if (step is null)
            return;
        using var owner = step;
        float[] values = step.Reading?.Wait() ?? [];
        double sum = 0, count = step.Counts.Sum(), norm = values.Length == 0 ? 0 : values[^1];
        for (int i = 0; i < values.Length - 1; i++)
        {
            if (!float.IsFinite(values[i]))
                throw DivergedBefore(step, "loss", values[i], values[i]);
            sum += values[i] * step.Counts[i];
        }
        double mean = sum / count;
        if (!double.IsFinite(norm))
            throw DivergedBefore(step, "gradient norm", norm, mean);
        long now = Stopwatch.GetTimestamp();
        _clock.AddStep(step.Tokens, Stopwatch.GetElapsedTime(_readAt, now));
        _readAt = now;
        _position = _position.WithLoss(count > 0 ? mean : 0, count, step.IsLate);
        _lastStep = Progress(step.Epoch, mean, step.LearningRate, norm) with { Step = step.Step };
        _progress?.Report(_lastStep);
    }

    // The device has left out the step, and those that are queued after it.
    private TrainingDivergedException DivergedBefore(QueuedStep step, string quantity, double value, double loss)
    {
        // Every process has queued the next step, whose exchanges must end before the group is used for anything else.
        if (_group is not null)
            _queued?.Reading?.Wait();
        ForgetQueued();
        _step = step.Step - 1;
        return Diverged(quantity, value, step.Epoch, loss, step.LearningRate);
    }

    // A loss as the optimizer takes it.
    private Tensor Measured(Tensor loss) => loss.detach().to(ScalarType.Float32, _device).reshape([]);

    /// <summary>A step that the device may still work on.</summary>
    private sealed record QueuedStep(
        int Epoch, long Step, double LearningRate, IReadOnlyList<double> Counts, long Tokens, bool IsLate, CudaReading? Reading) : IDisposable
    {
        public void Dispose() => Reading?.Dispose();
    }
}
