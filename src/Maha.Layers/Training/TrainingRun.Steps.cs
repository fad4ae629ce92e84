using System.Diagnostics;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <content>A step: the gradients of its documents, and the update of the weights.</content>
internal sealed partial class TrainingRun
{
    // The gradient of a step is that of sum(count_i loss_i) / sum(count_i) over its batches i. The batches add up
    // sum(count_i / count_1 loss_i), whose size is that of one batch, and the sum is scaled at the end. A step of one batch needs no scaling.
    private void Step(int epoch, int[][] batches, Range step, bool isLate, CancellationToken cancellationToken)
    {
        if (ReadsLate)
        {
            QueueStep(epoch, batches, step, isLate, cancellationToken);
            return;
        }
        long started = Stopwatch.GetTimestamp();
        double learningRate = _schedule.RateAt(_step - _firstStep), norm = 0;
        var own = AddGradients(epoch, batches, step, learningRate, lateLosses: null, cancellationToken);
        var sums = _group is null ? own : SumOverGroup(own, epoch, learningRate, cancellationToken);
        double mean = sums.LossSum / sums.Count;
        if (sums.Count > 0)
        {
            CompleteGradients(own.FirstCount / sums.Count);
            norm = _optimizer.ClipGradients(_options.MaxGradientNorm);
            if (!double.IsFinite(norm))
                throw Diverged("gradient norm", norm, epoch, mean, learningRate);
            _optimizer.Step(learningRate);
        }
        _step++;
        _clock.AddStep(sums.Tokens, Stopwatch.GetElapsedTime(started));
        _lastStep = Progress(epoch, mean, learningRate, norm);
        _progress?.Report(_lastStep);
        Advance((_position with { NextStep = _position.NextStep + 1 }).WithLoss(sums.Count > 0 ? mean : 0, sums.Count, isLate));
    }

    // Makes the gradients of this process those of the step. The factor is that of its own, as StepSums.FirstCount counts them.
    private void CompleteGradients(double factor)
    {
        if (_group is not null)
            _optimizer.SumGradients(_group, factor);
        else if (factor != 1)
            _optimizer.ScaleGradients(factor);
    }

    // Adds the gradients of the batches of a step, or of this process's share of them. Losses that are read late go to the list and not to the sums.
    private StepSums AddGradients(
        int epoch, int[][] batches, Range step, double learningRate, List<(Tensor Mean, double Count)>? lateLosses, CancellationToken cancellationToken)
    {
        var sums = new StepSums();
        foreach (var (index, rows) in StepShare.Of(batches, step, _group?.Rank ?? 0, _group?.Size ?? 1))
        {
            if (_group is null)
                cancellationToken.ThrowIfCancellationRequested();
            else if (cancellationToken.IsCancellationRequested)
                return sums;
            using var scope = NewDisposeScope();
            long seed = (long)DeterministicRandom.Combine(_options.Seed, SeedPurpose.TrainingDraws, ((long)epoch << 32) | (uint)index);
            var batch = TokenBatch.Create(_trainingDocuments, rows, _device, seed, Math.Min((double)_step / _totalSteps, Math.BitDecrement(1.0)));
            sums.Tokens += batch.NumTokens;
            var loss = _task.Loss(batch);
            if (loss.Count == 0)
                continue;
            double value = lateLosses is null ? loss.Mean.ToDouble() : 0;
            lateLosses?.Add((Measured(loss.Mean).MoveToOuterDisposeScope(), loss.Count));
            if (!double.IsFinite(value))
            {
                if (_group is null)
                    throw Diverged("loss", value, epoch, value, learningRate);
                // The other processes wait for the sum of the losses, which is then not finite in all of them.
                sums.LossSum = value;
                return sums;
            }
            if (sums.Count == 0)
                sums.FirstCount = loss.Count;
            var scaled = loss.Count == sums.FirstCount ? loss.Mean : loss.Mean * (loss.Count / sums.FirstCount);
            BackwardPass.Run(scaled);
            _optimizer.CollectGradients();
            sums.LossSum += value * loss.Count;
            sums.Count += loss.Count;
        }
        return sums;
    }

    // The sums over the batches of a step. FirstCount is the count of the first batch, in whose unit the gradients are.
    private struct StepSums
    {
        public double LossSum;
        public double Count;
        public double FirstCount;
        public long Tokens;
    }
}
