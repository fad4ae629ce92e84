namespace Maha.Layers.Text;

// n documents, L labels, K blocks of scores

/// <summary>Fits a <see cref="LabelScorer"/>: linear models of each label, and their weights on documents of folds that the models did not see.</summary>
/// <param name="documents">The documents.</param>
/// <param name="labels">The labels of each document.</param>
/// <param name="weights">The weight of each document; null for 1.</param>
/// <param name="numLabels">L.</param>
/// <param name="seed">The seed of the orders of documents.</param>
/// <param name="parallel">The number of threads and the cancellation.</param>
internal sealed class LabelScorerTrainer(
    NGramTrainer.IndexedDocuments documents, LabelSets labels, float[]? weights, int numLabels, int seed, ParallelOptions parallel)
{
    // The features of more documents would take hundreds of megabytes, and the weights need no more.
    private const int MaxScoredLabels = 1 << 21;

    private readonly LinearPartsTrainer _linear = new(documents, labels, numLabels, seed, parallel);

    /// <summary>The number of documents that the weights need.</summary>
    public int EnoughDocuments => Math.Clamp(MaxScoredLabels / numLabels, 1, StackFolds.EnoughDocuments);

    /// <summary>Fits to all documents.</summary>
    /// <param name="folds">The folds by which the weights are fitted.</param>
    public ScorerFit Fit(StackFolds folds)
    {
        int[] rows = [.. Enumerable.Range(0, labels.Count)];
        var vectors = _linear.Vectors(rows);
        double[]?[] features = _linear.OutOfFoldFeatures(vectors, folds);
        var parts = _linear.Fit(vectors, rows, weights);
        if (folds.Scored.Length == 0)
            return new ScorerFit(new LabelScorer(parts, WithoutFolds()), _ => null);

        int[] scored = folds.Scored;
        double[] mean = new double[features[scored[0]]!.Length];
        foreach (int row in scored)
        {
            for (int f = 0; f < mean.Length; f++)
                mean[f] += features[row]![f] / scored.Length;
        }
        float[][][] sources =
        [
            .. LabelScorer.Blocks.Select(block => scored.Select(row => Enumerable.Range(block * numLabels, numLabels)
                .Select(f => (float)(features[row]![f] - mean[f])).ToArray()).ToArray()),
        ];
        var fitted = LabelWeighting.Fit(
            sources, LabelSets.FromSets([.. scored.Select(row => labels[row].ToArray())]), [.. scored.Select(row => (float)folds.ScoredWeights[row])], LogOdds(),
            Expected(), parallel);
        // The scores that are weighted later are not centered.
        var weighting = fitted with
        {
            Offsets =
            [
                .. fitted.Offsets.Select((offset, l) => offset - LabelScorer.Blocks.Select((block, k) => fitted.Weights[k] * mean[(block * numLabels) + l]).Sum()),
            ],
        };
        return new ScorerFit(new LabelScorer(parts, weighting), row => features[row] is { } own ? LabelScorer.Logits(own, weighting) : null);
    }

    /// <summary>Fits the linear models to some documents, without folds.</summary>
    public LabelScorer FitWithoutFolds(int[] rows) => new(_linear.Fit(_linear.Vectors(rows), rows, weights), WithoutFolds());

    /// <summary>The log odds of the share of each label, [L].</summary>
    public double[] LogOdds() => labels.LogOdds(numLabels, weights);

    // The scores of new documents are expected to be twice as confident as they should be, whichever block has them.
    private static (double Weight, double Strength)[] Expected() =>
        [.. LabelScorer.Blocks.Select(_ => (ScorerFit.SlopeWithoutFolds / LabelScorer.Blocks.Length, 1.0))];

    // The scores are log odds already.
    private LabelWeighting WithoutFolds() =>
        new([.. Expected().Select(expected => expected.Weight)], [.. LogOdds().Select(odds => (1 - ScorerFit.SlopeWithoutFolds) * odds)]);
}
