namespace Maha.Layers.Text;

// C classes

/// <summary>
/// Linear models of each class against all others, and a second model ("stack") over their scores. With g the mean score of the linear models,
/// z = ln prior + slope g + share (stack - ln prior), where slope and share are at least 0.
/// </summary>
/// <param name="parts">The linear models.</param>
/// <param name="stacking">The stack.</param>
/// <param name="weights">The prior, the slope and the share.</param>
internal sealed class StackedScorer(LinearParts parts, StackingModel stacking, StackWeights weights) : NGramScorer
{
    /// <summary>The blocks of <see cref="StackedFeatures"/> whose mean is g: one score of each linear model.</summary>
    public static readonly int[] EvidenceBlocks =
        [StackedFeatures.DocumentBlock, StackedFeatures.SegmentBlocks, StackedFeatures.BeginningBlock, StackedFeatures.EndingBlock];

    public override int NumClasses => parts.Document.NumClasses;

    public LinearParts Parts => parts;

    public StackingModel Stacking => stacking;

    public StackWeights Weights => weights;

    public override double[] Logits(NGramVocabulary vocabulary, IndexedText text)
    {
        double[] features = StackedFeatures.Compute(vocabulary, text, parts);
        return weights.Combine(Evidence(features, stacking.Mean), stacking.Logits(features));
    }

    public override double[] Attribute(NGramVocabulary vocabulary, IndexedText text, double[] direction)
    {
        // The logits are linear in the features: z = constant + slope g + share stack.
        double[] gradient = stacking.Gradient(direction);
        int classes = direction.Length;
        for (int f = 0; f < gradient.Length; f++)
        {
            bool isEvidence = EvidenceBlocks.Contains(f / classes);
            gradient[f] = weights.Share * gradient[f] + (isEvidence ? weights.Slope * direction[f % classes] / EvidenceBlocks.Length : 0);
        }
        return StackedShares.Compute(vocabulary, text, parts, gradient);
    }

    /// <summary>Computes g: the mean of the linear models' scores, less their mean over the training documents.</summary>
    /// <param name="features">The features of a document.</param>
    /// <param name="mean">The mean features of the training documents.</param>
    public static double[] Evidence(double[] features, double[] mean)
    {
        int classes = features.Length / StackedFeatures.NumBlocks;
        double[] evidence = new double[classes];
        foreach (int block in EvidenceBlocks)
        {
            for (int c = 0; c < classes; c++)
                evidence[c] += (features[block * classes + c] - mean[block * classes + c]) / EvidenceBlocks.Length;
        }

        return evidence;
    }
}
