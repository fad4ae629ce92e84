using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>The loss of a batch.</summary>
/// <param name="Mean">The mean loss with its graph, a scalar. Auxiliary losses are included.</param>
/// <param name="Count">
/// The number that the sum of the losses was divided by: the number of documents or tokens, or the sum of their weights. The batches of a
/// step are averaged with it. A batch with 0 is skipped.
/// </param>
public readonly record struct TaskLoss(Tensor Mean, double Count);
