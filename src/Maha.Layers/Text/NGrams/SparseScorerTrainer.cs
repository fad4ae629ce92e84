namespace Maha.Layers.Text;

// n documents, V n-grams, C classes

/// <summary>Fits a <see cref="SparseScorer"/>: sparse linear models of many classes, and their weights.</summary>
/// <param name="documents">The documents.</param>
/// <param name="labels">The class of each document.</param>
/// <param name="weights">The weight of each document; null for 1.</param>
/// <param name="prior">The share of each class, [C].</param>
/// <param name="seed">The seed of the orders of documents.</param>
/// <param name="parallel">The number of threads and the cancellation.</param>
internal sealed class SparseScorerTrainer(
    NGramTrainer.IndexedDocuments documents, int[] labels, float[]? weights, double[] prior, int seed, ParallelOptions parallel)
{
    // The number of classes whose scores of a held-out document are kept: those with the highest.
    private const int KeptClasses = 64;

    private readonly double[] _logPrior = [.. prior.Select(share => Math.Log(share))];

    /// <summary>Fits to all documents.</summary>
    /// <param name="folds">The folds by which the weights are fitted.</param>
    public ScorerFit Fit(StackFolds folds)
    {
        int[] rows = [.. Enumerable.Range(0, labels.Length)];
        var vectors = Vectors(rows);
        var heldOut = new HeldOut?[labels.Length];
        Parallel.For(0, folds.Count, parallel, fold =>
        {
            int[] scored = folds.ScoredIn(fold);
            if (scored.Length == 0)
                return;
            var (members, memberWeights) = folds.TrainingSetOf(fold);
            var views = FitViews(vectors, members, memberWeights);
            bool[] isKnown = documents.KnownTo(members, row => vectors[row][0].Indices);
            var scores = new SparseScores(prior.Length);
            foreach (int row in scored)
            {
                parallel.CancellationToken.ThrowIfCancellationRequested();
                heldOut[row] = ScoreHeldOut(row, documents[row].Where(isKnown), views, scores);
            }
        });
        var final = FitViews(vectors, rows, weights);
        if (folds.Scored.Length == 0)
            return new ScorerFit(WithoutFolds(final), _ => null);
        var expected = final.Select(_ => new ExpectedWeight(ScorerFit.SlopeWithoutFolds / final.Length, 1.0 / final.Length, IsPositive: true)).ToArray();
        var weighting = folds.Scored.Select(row => heldOut[row]!.Document with { Weight = folds.ScoredWeights[row] }).ToList();
        double[] slopes = NonNegativeWeights.FitShrunk(weighting, expected, parallel.CancellationToken);
        return new ScorerFit(new SparseScorer(final, _logPrior, slopes), row => heldOut[row]?.Logits(_logPrior, slopes));
    }

    /// <summary>Fits the linear models to some documents, without folds.</summary>
    public SparseScorer FitWithoutFolds(int[] rows) => WithoutFolds(FitViews(Vectors(rows), rows, weights));

    private SparseScorer WithoutFolds(SparseLinearModel[] views) => new(views, _logPrior, [.. views.Select(_ => ScorerFit.SlopeWithoutFolds / views.Length)]);

    // The vectors of the views of each document; the document alone, if none is longer than a beginning.
    private SparseVector[][] Vectors(int[] rows)
    {
        int[] lengths = new int[labels.Length];
        var vectors = documents.Map(rows, (row, text) =>
        {
            lengths[row] = text.Tokens.Length;
            return text.Tokens.Length <= LinearParts.EdgeTokens
                ? new[] { SparseScorer.VectorOfView(documents.Vocabulary, text, 0) }
                : Enumerable.Range(0, SparseScorer.MaxViews).Select(view => SparseScorer.VectorOfView(documents.Vocabulary, text, view)).ToArray();
        });
        if (lengths.Max() > LinearParts.EdgeTokens)
        {
            foreach (int row in rows)
            {
                if (vectors[row] is [var one])
                    vectors[row] = [one, one, one];
            }
        }

        return vectors;
    }

    private SparseLinearModel[] FitViews(SparseVector[][] vectors, int[] members, float[]? memberWeights)
    {
        var views = new SparseLinearModel[vectors[members[0]].Length];
        Parallel.For(0, views.Length, parallel, view =>
        {
            views[view] = SparseLinearModel.Fit(
                row => vectors[row][view], labels, memberWeights, members, documents.Vocabulary.Count, prior, seed, parallel.CancellationToken);
        });
        return views;
    }

    private HeldOut ScoreHeldOut(int row, IndexedText text, SparseLinearModel[] views, SparseScores scores)
    {
        var scoresOfClasses = new Dictionary<int, double[]>();
        for (int view = 0; view < views.Length; view++)
        {
            scores.Clear();
            views[view].Score(SparseScorer.VectorOfView(documents.Vocabulary, text, view), scores);
            foreach (int c in scores.Touched)
            {
                if (!scoresOfClasses.TryGetValue(c, out double[]? scoresOfViews))
                    scoresOfClasses.Add(c, scoresOfViews = new double[views.Length]);
                scoresOfViews[view] = scores[c];
            }
        }
        scoresOfClasses.TryAdd(labels[row], new double[views.Length]);
        var highest = scoresOfClasses.OrderByDescending(pair => pair.Value.Sum()).ThenBy(pair => pair.Key).Take(KeptClasses).Select(pair => pair.Key);
        int[] kept = [.. highest.Append(labels[row]).Distinct()];
        double[][] sources = [.. Enumerable.Range(0, views.Length).Select(view => kept.Select(c => scoresOfClasses[c][view]).ToArray())];
        double rest = Math.Max(0, 1 - kept.Sum(c => prior[c]));
        var document = new WeightingDocument(Array.IndexOf(kept, labels[row]), 1, [.. kept.Select(c => _logPrior[c])], sources, rest);
        return new HeldOut(kept, document);
    }

    /// <summary>The scores of a held-out document.</summary>
    /// <param name="Classes">The classes whose scores are kept.</param>
    /// <param name="Document">Their scores.</param>
    private sealed record HeldOut(int[] Classes, WeightingDocument Document)
    {
        public double[] Logits(double[] logPrior, double[] slopes)
        {
            double[] logits = [.. logPrior];
            for (int i = 0; i < Classes.Length; i++)
            {
                for (int view = 0; view < slopes.Length; view++)
                    logits[Classes[i]] += slopes[view] * Document.Sources[view][i];
            }

            return logits;
        }
    }
}
