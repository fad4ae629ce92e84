using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <content>What the processes of a group agree on, so that all of them take the same steps and end together.</content>
internal sealed partial class TrainingRun
{
    // The steps of a training are fewer.
    private const int BitsOfStep = 40;

    // Whether the root writes a checkpoint after this step.
    private bool _isSaveDue;

    // Each process drops out other values. Process 0 drops out those of a training in one process.
    private long DropoutSeed(long step) =>
        (long)DeterministicRandom.Combine(_options.Seed, SeedPurpose.Dropout, ((long)(_group?.Rank ?? 0) << BitsOfStep) | step);

    // A loss that is not finite, a cancellation and the time for a checkpoint are known to all processes here.
    private StepSums SumOverGroup(StepSums own, int epoch, double learningRate, CancellationToken cancellationToken)
    {
        Span<double> sums = [own.LossSum, own.Count, own.Tokens, Number(cancellationToken.IsCancellationRequested), Number(_checkpoints?.IsDue == true)];
        _group!.Sum(sums);
        _isSaveDue = sums[4] > 0;
        if (!double.IsFinite(sums[0]))
            throw Diverged("loss", sums[0], epoch, sums[0], learningRate);
        if (sums[3] > 0)
            throw new OperationCanceledException("The training was canceled in one of the processes that train together.", cancellationToken);
        return new StepSums { LossSum = sums[0], Count = sums[1], Tokens = (long)sums[2] };

        static double Number(bool condition) => condition ? 1 : 0;
    }

    // The mean loss of a step, [1] of Float32 on the device. One that is not finite in one process is not finite in all.
    private Tensor MeanOverGroup(IEnumerable<(Tensor Mean, double Count)> own, double count)
    {
        using var guard = no_grad();
        var mean = zeros(1, ScalarType.Float32, _device);
        foreach (var loss in own)
            mean.add_(loss.Mean, alpha: loss.Count / count);
        _group!.Sum(mean);
        return mean;
    }
}
