namespace Maha.Layers.Text;

// L labels

/// <summary>
/// Linear models of each label against the documents without it. The log odds of a label are a weighted sum of its scores for the document and for the parts
/// of the document, and an offset: z_l = offset_l + sum_k u_k score_kl.
/// </summary>
/// <param name="parts">The linear models.</param>
/// <param name="weighting">The weights of the scores in the order of <see cref="Blocks"/>, and the offsets.</param>
internal sealed class LabelScorer(LinearParts parts, LabelWeighting weighting) : NGramScorer
{
    /// <summary>
    /// The blocks of <see cref="StackedFeatures"/> that are weighted: the score of the document, the mean and the maximum over its segments, since a label may
    /// be that of one part of the document, and the scores of its beginning and ending.
    /// </summary>
    public static readonly int[] Blocks =
    [
        StackedFeatures.DocumentBlock, StackedFeatures.SegmentBlocks, StackedFeatures.SegmentBlocks + StackedFeatures.MaximumOfSegments,
        StackedFeatures.BeginningBlock, StackedFeatures.EndingBlock,
    ];

    public override int NumClasses => parts.Document.NumClasses;

    public LinearParts Parts => parts;

    public LabelWeighting Weighting => weighting;

    public override double[] Logits(NGramVocabulary vocabulary, IndexedText text) => Logits(StackedFeatures.Compute(vocabulary, text, parts), weighting);

    public override double[] Attribute(NGramVocabulary vocabulary, IndexedText text, double[] direction)
    {
        double[] gradient = new double[StackedFeatures.NumBlocks * direction.Length];
        for (int k = 0; k < Blocks.Length; k++)
        {
            for (int l = 0; l < direction.Length; l++)
                gradient[(Blocks[k] * direction.Length) + l] = weighting.Weights[k] * direction[l];
        }
        return StackedShares.Compute(vocabulary, text, parts, gradient);
    }

    /// <summary>Computes the log odds of the labels, [L].</summary>
    /// <param name="features">The features of a document, see <see cref="StackedFeatures"/>.</param>
    /// <param name="weighting">The weights of the blocks, and the offsets.</param>
    public static double[] Logits(double[] features, LabelWeighting weighting)
    {
        double[] logits = [.. weighting.Offsets];
        for (int k = 0; k < Blocks.Length; k++)
        {
            for (int l = 0; l < logits.Length; l++)
                logits[l] += weighting.Weights[k] * features[(Blocks[k] * logits.Length) + l];
        }
        return logits;
    }
}
