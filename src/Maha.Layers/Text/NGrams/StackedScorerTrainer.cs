namespace Maha.Layers.Text;

// n documents, V n-grams, C classes, F features of the stack

/// <summary>Fits a <see cref="StackedScorer"/>: linear models of each class against all others, a stack over their scores, and the weights of both.</summary>
/// <param name="documents">The documents.</param>
/// <param name="labels">The class of each document.</param>
/// <param name="weights">The weight of each document; null for 1.</param>
/// <param name="prior">The share of each class, [C].</param>
/// <param name="seed">The seed of the orders of documents.</param>
/// <param name="parallel">The number of threads and the cancellation.</param>
internal sealed class StackedScorerTrainer(
    NGramTrainer.IndexedDocuments documents, int[] labels, float[]? weights, double[] prior, int seed, ParallelOptions parallel)
{
    // A check on the training documents: so many per class, whose mean log loss may be above that of the prior by so much.
    private const int CheckedPerClass = 20;
    private const double ToleratedLoss = 0.1;

    // The evidence always counts: if the folds say nothing, its order of the classes is the only information. The stack counts only if the folds show a gain.
    private static readonly ExpectedWeight[] s_expected = [new(ScorerFit.SlopeWithoutFolds, 0.5, IsPositive: true), new(0, 10)];

    private readonly LinearPartsTrainer _linear = new(documents, LabelSets.FromClasses(labels), prior.Length, seed, parallel);
    private readonly double[] _logPrior = [.. prior.Select(share => Math.Log(share))];
    private readonly int _numClasses = prior.Length;

    /// <summary>Fits to all documents.</summary>
    /// <param name="folds">The folds by which the stack and the weights are fitted.</param>
    public ScorerFit Fit(StackFolds folds)
    {
        int[] rows = [.. Enumerable.Range(0, labels.Length)];
        var vectors = _linear.Vectors(rows);
        double[]?[] features = _linear.OutOfFoldFeatures(vectors, folds);
        var parts = _linear.Fit(vectors, rows, weights);
        if (folds.Scored.Length == 0)
            return new ScorerFit(WithoutFolds(parts), _ => null);

        var stacking = FitStacking(features!, folds, folds.Scored, start: null);
        double[]?[] stacked = StackedOutOfFold(features!, folds, stacking);
        int[] scored = [.. folds.Scored.Where(row => stacked[row] is not null)];
        double[][] evidence = new double[labels.Length][];
        foreach (int row in scored)
            evidence[row] = StackedScorer.Evidence(features[row]!, stacking.Mean);
        StackWeights FitWeights(bool withStack)
        {
            var weighting = scored.Select(row => new WeightingDocument(labels[row], folds.ScoredWeights[row], _logPrior,
                withStack ? [evidence[row], [.. stacked[row]!.Zip(_logPrior, (z, offset) => z - offset)]] : [evidence[row]], Rest: 0)).ToList();
            double[] fitted = NonNegativeWeights.FitShrunk(weighting, s_expected[..(withStack ? 2 : 1)], parallel.CancellationToken);
            return new StackWeights(_logPrior, fitted[0], withStack ? fitted[1] : 0);
        }
        var scorer = new StackedScorer(parts, stacking, FitWeights(withStack: true));
        if (!FitsTrainingDocuments(scorer))
            scorer = new StackedScorer(parts, stacking, FitWeights(withStack: false));
        return new ScorerFit(scorer, row => stacked[row] is { } logits ? scorer.Weights.Combine(evidence[row], logits) : null);
    }

    /// <summary>Fits the linear models to some documents, without folds and without a stack.</summary>
    public StackedScorer FitWithoutFolds(int[] rows) => WithoutFolds(_linear.Fit(_linear.Vectors(rows), rows, weights));

    private StackedScorer WithoutFolds(LinearParts parts)
        => new(parts, new StackingModel(_numClasses, StackedFeatures.NumBlocks), new StackWeights(_logPrior, ScorerFit.SlopeWithoutFolds, 0));

    // The logits of each scored document under a stack that was fitted to those of the other folds; null if there are no others.
    private double[]?[] StackedOutOfFold(double[][] features, StackFolds folds, StackingModel start)
    {
        double[]?[] stacked = new double[labels.Length][];
        const int parts = 5;
        // A single fold is divided into parts.
        int Part(int place) => folds.Count > 1 ? folds.Folds[folds.Scored[place]] : place % parts;
        foreach (var part in Enumerable.Range(0, folds.Scored.Length).GroupBy(Part))
        {
            int[] others = [.. Enumerable.Range(0, folds.Scored.Length).Where(place => Part(place) != part.Key).Select(place => folds.Scored[place])];
            if (others.Length == 0)
                continue;
            var model = FitStacking(features, folds, others, start);
            foreach (int place in part)
                stacked[folds.Scored[place]] = model.Logits(features[folds.Scored[place]]);
        }
        return stacked;
    }

    private StackingModel FitStacking(double[][] features, StackFolds folds, int[] members, StackingModel? start)
        => StackingModel.Fit(features, labels, folds.ScoredWeights, members, StackedScorer.EvidenceBlocks, _logPrior, start, parallel);

    // Linear models predict their training documents almost without error. A stack that does not has learned the opposite of their scores: that the documents
    // of a class are those that the models of the other folds could not score.
    private bool FitsTrainingDocuments(StackedScorer scorer)
    {
        var checks = Enumerable.Range(0, labels.Length).GroupBy(row => labels[row]).SelectMany(rows => rows.Take(CheckedPerClass)).ToList();
        double[] losses = new double[labels.Length];
        Parallel.ForEach(checks, parallel, row =>
        {
            double[] logits = scorer.Logits(documents.Vocabulary, documents[row]);
            double max = logits.Max();
            losses[row] = Math.Log(logits.Sum(logit => Math.Exp(logit - max))) + max - logits[labels[row]];
        });
        return checks.GroupBy(row => labels[row]).All(rows => rows.Average(row => losses[row]) <= ToleratedLoss - _logPrior[rows.Key]);
    }
}
