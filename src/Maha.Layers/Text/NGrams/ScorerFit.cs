namespace Maha.Layers.Text;

/// <summary>A fitted scorer, with the logits of the documents that were held out in a fold.</summary>
/// <param name="Scorer">The scorer, fitted to all documents.</param>
/// <param name="HeldOutLogits">Computes the logits of a document, [C], under models that were not fitted to it; null for a document without any.</param>
internal sealed record ScorerFit(NGramScorer Scorer, Func<int, double[]?> HeldOutLogits)
{
    /// <summary>
    /// The slope of the linear models' scores if there are no held-out documents to fit it to: the scores of new documents are expected to be twice as
    /// confident as they should be.
    /// </summary>
    public const double SlopeWithoutFolds = 0.5;
}
