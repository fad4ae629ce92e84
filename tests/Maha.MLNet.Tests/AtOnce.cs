using Maha.Layers.Training;

namespace Maha.MLNet.Tests;

/// <summary>A receiver of progress that acts on the thread of the training, before it goes on. .NET's <see cref="Progress{T}"/> acts later, on another thread.</summary>
internal sealed class AtOnce(Action<TrainingProgress> action) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value) => action(value);
}
