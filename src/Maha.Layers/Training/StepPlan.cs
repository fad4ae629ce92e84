using Maha.Layers.Data;

namespace Maha.Layers.Training;

/// <summary>The batches and steps of the epochs of a training.</summary>
/// <param name="documents">The training documents.</param>
/// <param name="options">The options of the training.</param>
internal sealed class StepPlan(ITokenizedDocuments documents, TrainingOptions options)
{
    // Planning takes time before the first step. This many epochs give the mean number of steps of the others.
    private const int MaxPlannedEpochs = 256;

    private readonly int[] _lengths = BatchPlan.Lengths(documents);

    /// <summary>The number of tokens of an epoch.</summary>
    public long TokensOfEpoch => _lengths.Sum(length => (long)length);

    /// <summary>Returns the batches of an epoch and its steps, which are ranges of the batches.</summary>
    /// <param name="epoch">The number of the epoch, from 1.</param>
    public (int[][] Batches, Range[] Steps) Epoch(int epoch)
    {
        int[][] batches = BatchPlan.Shuffled(_lengths, options.TokensPerBatch, options.Seed, epoch);
        return (batches, BatchPlan.Steps(batches, options.GradientAccumulation, options.MinDocumentsPerStep));
    }

    /// <summary>Returns the number of steps of some epochs. It differs a little by epoch, since each shuffles anew.</summary>
    /// <param name="firstEpoch">The first epoch.</param>
    /// <param name="lastEpoch">The last epoch.</param>
    public long CountSteps(int firstEpoch, int lastEpoch)
    {
        int epochs = lastEpoch - firstEpoch + 1, planned = Math.Min(epochs, MaxPlannedEpochs);
        long steps = Enumerable.Range(firstEpoch, planned).Sum(epoch => (long)Epoch(epoch).Steps.Length);
        return steps + (long)Math.Ceiling((double)steps / planned * (epochs - planned));
    }
}
