using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>The loss of a batch.</summary>
/// <param name="Mean">The mean loss, a scalar with its graph, auxiliary losses included.</param>
/// <param name="Count">
/// What the mean is over (documents, tokens, or their weights): batches of a step are averaged with it. 0 where the batch
/// has nothing to learn from; it is skipped then.
/// </param>
public readonly record struct TaskLoss(Tensor Mean, double Count);
