using Maha.Layers.Core;

namespace Maha.Layers.Training;

/// <content>What the processes of a group agree on, so that all of them take the same steps and end together.</content>
internal sealed partial class TrainingRun
{
    // The steps of a training are fewer.
    private const int BitsOfStep = 40;

    // Each process drops out other values. Process 0 drops out those of a training in one process.
    private long DropoutSeed(long step) =>
        (long)DeterministicRandom.Combine(_options.Seed, SeedPurpose.Dropout, ((long)(_group?.Rank ?? 0) << BitsOfStep) | step);

    // A loss that is not finite, and a cancellation, are known to all processes here.
    private StepSums SumOverGroup(StepSums own, int epoch, double learningRate, CancellationToken cancellationToken)
    {
        Span<double> sums = [own.LossSum, own.Count, own.Tokens, cancellationToken.IsCancellationRequested ? 1 : 0];
        _group!.Sum(sums);
        if (!double.IsFinite(sums[0]))
            throw Diverged("loss", sums[0], epoch, sums[0], learningRate);
        if (sums[3] > 0)
            throw new OperationCanceledException("The training was canceled in one of the processes that train together.", cancellationToken);
        return new StepSums { LossSum = sums[0], Count = sums[1], Tokens = (long)sums[2] };
    }
}
