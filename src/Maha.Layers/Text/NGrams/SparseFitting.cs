namespace Maha.Layers.Text;

// n documents, V n-grams, C classes

/// <summary>Fits sparse linear models of many classes, and their weights.</summary>
internal sealed class SparseFitting(NGramFitting.TextsOfRows texts, int[] labels, float[]? weights, double[] prior, int seed, ParallelOptions parallel)
{
    // Before anything is known of them, linear models that never saw a document are worth half of what they say.
    private const double SlopeWithoutFolds = 0.5;

    // The classes of a held-out document that are kept; the others' scores are far below.
    private const int KeptClasses = 64;

    private readonly double[] _logPrior = [.. prior.Select(share => Math.Log(share))];

    /// <summary>Fits to all documents.</summary>
    /// <param name="folds">The folds that weigh.</param>
    public ScorerFit Fit(StackFolds folds)
    {
        int[] rows = [.. Enumerable.Range(0, labels.Length)];
        var vectors = Vectors(rows);
        var heldOut = new HeldOut?[labels.Length];
        Parallel.For(0, folds.Count, parallel, fold =>
        {
            int[] scored = [.. folds.Judged.Where(row => folds.Folds[row] == fold)];
            if (scored.Length == 0)
                return;
            var (members, memberWeights) = folds.Outside(fold);
            var views = FitViews(vectors, members, memberWeights);
            // An n-gram that no other fold has is one that a new document would have too, unread.
            bool[] isKnown = new bool[texts.Vocabulary.Count];
            foreach (int row in members)
            {
                foreach (int index in vectors[row][0].Indices)
                    isKnown[index] = true;
            }

            var scores = new SparseScores(prior.Length);
            foreach (int row in scored)
            {
                parallel.CancellationToken.ThrowIfCancellationRequested();
                heldOut[row] = HeldOutOf(row, texts[row].Where(isKnown), views, scores);
            }
        });
        var final = FitViews(vectors, rows, weights);
        if (folds.Judged.Length == 0)
            return new ScorerFit(WithoutFolds(final), _ => null);
        var expected = final.Select(_ => new ExpectedWeight(SlopeWithoutFolds / final.Length, 1.0 / final.Length, IsPositive: true)).ToArray();
        double[] slopes = NonNegativeWeights.FitWithDoubt([.. folds.Judged.Select(row => heldOut[row]!.Document with { Weight = folds.JudgedWeights[row] })], expected, parallel.CancellationToken);
        return new ScorerFit(new SparseScorer(final, _logPrior, slopes), row => heldOut[row]?.Logits(_logPrior, slopes));
    }

    /// <summary>Fits to some documents, without weighing.</summary>
    public SparseScorer FitWithoutFolds(int[] rows) => WithoutFolds(FitViews(Vectors(rows), rows, weights));

    private SparseScorer WithoutFolds(SparseLinearModel[] views) => new(views, _logPrior, [.. views.Select(_ => SlopeWithoutFolds / views.Length)]);

    // The views of each document; one, where none is longer than a beginning.
    private SparseVector[][] Vectors(int[] rows)
    {
        var (vectors, lengths) = (new SparseVector[labels.Length][], new int[labels.Length]);
        vectors = texts.Each(rows, (row, text) =>
        {
            lengths[row] = text.Tokens.Length;
            return text.Tokens.Length <= LinearParts.EdgeTokens
                ? [SparseScorer.Vector(texts.Vocabulary, text, 0)]
                : Enumerable.Range(0, SparseScorer.MaxViews).Select(view => SparseScorer.Vector(texts.Vocabulary, text, view)).ToArray();
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
        Parallel.For(0, views.Length, parallel, view => views[view] = SparseLinearModel.Fit(row => vectors[row][view], labels, memberWeights, members, texts.Vocabulary.Count, prior, seed, parallel.CancellationToken));
        return views;
    }

    private HeldOut HeldOutOf(int row, IndexedText text, SparseLinearModel[] views, SparseScores scores)
    {
        var ofClass = new Dictionary<int, double[]>();
        for (int view = 0; view < views.Length; view++)
        {
            scores.Clear();
            views[view].Score(SparseScorer.Vector(texts.Vocabulary, text, view), scores);
            foreach (int c in scores.Touched)
            {
                if (!ofClass.TryGetValue(c, out double[]? of))
                    ofClass.Add(c, of = new double[views.Length]);
                of[view] = scores[c];
            }
        }
        ofClass.TryAdd(labels[row], new double[views.Length]);
        int[] kept = [.. ofClass.OrderByDescending(pair => pair.Value.Sum()).ThenBy(pair => pair.Key).Take(KeptClasses).Select(pair => pair.Key).Append(labels[row]).Distinct()];
        double[][] sources = [.. Enumerable.Range(0, views.Length).Select(view => kept.Select(c => ofClass[c][view]).ToArray())];
        double rest = Math.Max(0, 1 - kept.Sum(c => prior[c]));
        return new HeldOut(kept, new SourcedDocument(Array.IndexOf(kept, labels[row]), 1, [.. kept.Select(c => _logPrior[c])], sources, rest));
    }

    /// <summary>The scores of a held-out document.</summary>
    private sealed record HeldOut(int[] Classes, SourcedDocument Document)
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
