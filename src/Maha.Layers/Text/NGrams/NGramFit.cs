namespace Maha.Layers.Text;

/// <summary>A fitted n-gram model, with logits of the training documents under models that were not fitted to them.</summary>
/// <param name="Model">The model, fitted to all documents.</param>
/// <param name="HeldOutLogits">
/// Computes the logits, [C], of a validation document under models that were not fitted to it, as if no copy of its text was known.
/// </param>
/// <param name="Contents">The text of each document, see <see cref="NGramText.ContentHash"/>.</param>
/// <param name="Weights">The weight of each document; null for 1.</param>
/// <param name="NumDocuments">The number of documents that the model was fitted to: fewer than all if the training time was too short.</param>
internal sealed record NGramFit(
    NGramClassifier Model, Func<int, double[]> HeldOutLogits, IReadOnlyList<ulong> Contents, IReadOnlyList<float>? Weights, int NumDocuments);
