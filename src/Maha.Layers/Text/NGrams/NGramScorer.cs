namespace Maha.Layers.Text;

/// <summary>What a model of n-grams says of a document of which no copy is known.</summary>
internal abstract class NGramScorer
{
    /// <summary>C.</summary>
    public abstract int NumClasses { get; }

    /// <summary>The logits of a document, [C].</summary>
    public abstract double[] Logits(NGramVocabulary vocabulary, IndexedText text);
}

/// <summary>Linear models of each class against the others, and a stack over their scores: z = ln prior + slope g + share (stack - ln prior), with slope and share at least 0.</summary>
/// <param name="parts">The linear models.</param>
/// <param name="stacking">The stack.</param>
/// <param name="weights">How evidence and stack count.</param>
internal sealed class StackedScorer(LinearParts parts, StackingModel stacking, StackWeights weights) : NGramScorer
{
    /// <summary>The blocks of <see cref="StackedFeatures"/> whose mean is the evidence g: the scores of the document, of its segments, of its beginning and of its ending.</summary>
    public static readonly int[] EvidenceBlocks = [0, 1, 7, 8];

    public override int NumClasses => parts.OfDocuments.NumClasses;

    public LinearParts Parts => parts;

    public StackingModel Stacking => stacking;

    public StackWeights Weights => weights;

    public override double[] Logits(NGramVocabulary vocabulary, IndexedText text)
    {
        double[] features = StackedFeatures.Of(vocabulary, text, parts);
        return weights.Combine(Evidence(features, stacking.Mean), stacking.Logits(features));
    }

    /// <summary>g, the mean of the linear models' own scores, less what they say of the mean document.</summary>
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

/// <summary>How evidence and stack become logits.</summary>
/// <param name="LogPrior">[C].</param>
/// <param name="Slope">What the evidence counts.</param>
/// <param name="Share">What the stack counts.</param>
internal sealed record StackWeights(double[] LogPrior, double Slope, double Share)
{
    /// <summary>The logits, [C].</summary>
    public double[] Combine(double[] evidence, double[] stacked)
    {
        double[] logits = new double[LogPrior.Length];
        for (int c = 0; c < logits.Length; c++)
            logits[c] = LogPrior[c] + Slope * evidence[c] + Share * (stacked[c] - LogPrior[c]);
        return logits;
    }

    /// <summary>The stack alone, as earlier versions had it.</summary>
    public static StackWeights StackAlone(int numClasses) => new(new double[numClasses], 0, 1);
}
