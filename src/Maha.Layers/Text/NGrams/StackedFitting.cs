namespace Maha.Layers.Text;

// n documents, V n-grams, C classes, F features of the stack

/// <summary>A fitted scorer, and its logits of documents that were held out; null for one that was not.</summary>
internal sealed record ScorerFit(NGramScorer Scorer, Func<int, double[]?> HeldOutLogits);

/// <summary>Fits linear models of each class against the others, a stack over their scores, and the weights of both.</summary>
internal sealed class StackedFitting(NGramFitting.TextsOfRows texts, int[] labels, float[]? weights, double[] prior, int seed, ParallelOptions parallel)
{
    // The vectors of documents have the length 1, the means of segments' vectors are shorter.
    private const double CostOfDocuments = 10;
    private const double CostOfSegments = 30;

    // Before anything is known of them, linear models that never saw a document are worth half of what they say.
    private const double SlopeWithoutFolds = 0.5;

    // Enough to see that a stack is wrong of what its linear models know.
    private const int CheckedOfClass = 20;
    private const double ToleratedLoss = 0.1;

    // Evidence counts whatever the folds say: where they say nothing, its order is all there is. A stack must show what it is worth.
    private static readonly ExpectedWeight[] s_expected = [new(0.5, 0.5, IsPositive: true), new(0, 10)];

    private readonly double[] _logPrior = [.. prior.Select(share => Math.Log(share))];
    private readonly int _numClasses = prior.Length;

    /// <summary>Fits to all documents.</summary>
    /// <param name="folds">The folds that weigh.</param>
    public ScorerFit Fit(StackFolds folds)
    {
        int[] rows = [.. Enumerable.Range(0, labels.Length)];
        var vectors = Vectors(rows);
        double[]?[] features = OutOfFold(vectors, folds);
        var parts = FitLinear(vectors, rows, weights);
        if (folds.Judged.Length == 0)
            return new ScorerFit(WithoutFolds(parts), _ => null);

        var stacking = FitStacking(features!, folds, folds.Judged, start: null);
        double[]?[] stacked = StackedOutOfFold(features!, folds, stacking);
        int[] judged = [.. folds.Judged.Where(row => stacked[row] is not null)];
        double[][] evidence = new double[labels.Length][];
        foreach (int row in judged)
            evidence[row] = StackedScorer.Evidence(features[row]!, stacking.Mean);
        StackWeights Weigh(bool withStack)
        {
            var documents = judged.Select(row => new SourcedDocument(labels[row], folds.JudgedWeights[row], _logPrior,
                withStack ? [evidence[row], [.. stacked[row]!.Zip(_logPrior, (z, offset) => z - offset)]] : [evidence[row]], Rest: 0)).ToList();
            double[] fitted = NonNegativeWeights.FitWithDoubt(documents, s_expected[..(withStack ? 2 : 1)], parallel.CancellationToken);
            return new StackWeights(_logPrior, fitted[0], withStack ? fitted[1] : 0);
        }
        var scorer = new StackedScorer(parts, stacking, Weigh(withStack: true));
        if (!KnowsItsDocuments(scorer))
            scorer = new StackedScorer(parts, stacking, Weigh(withStack: false));
        return new ScorerFit(scorer, row => stacked[row] is { } logits ? scorer.Weights.Combine(evidence[row], logits) : null);
    }

    /// <summary>Fits to some documents, without weighing.</summary>
    public StackedScorer FitWithoutFolds(int[] rows) => WithoutFolds(FitLinear(Vectors(rows), rows, weights));

    /// <summary>The features of every judged document under linear models of the other folds.</summary>
    internal double[]?[] OutOfFold(DocumentVectors[] vectors, StackFolds folds)
    {
        double[]?[] features = new double[labels.Length][];
        int[] frequencies = new int[texts.Vocabulary.Count];
        foreach (var vector in vectors)
        {
            foreach (int index in vector.Indices)
                frequencies[index]++;
        }

        Parallel.For(0, folds.Count, parallel, fold =>
        {
            int[] scored = [.. folds.Judged.Where(row => folds.Folds[row] == fold)];
            if (scored.Length == 0)
                return;
            var (members, memberWeights) = folds.Outside(fold);
            // An n-gram that no other fold has is one that a new document would have too, unread.
            int[] outside = [.. frequencies];
            for (int row = 0; row < vectors.Length; row++)
            {
                if (folds.Folds[row] == fold)
                {
                    foreach (int index in vectors[row].Indices)
                        outside[index]--;
                }
            }

            bool[] isKnown = [.. outside.Select(count => count > 0)];
            var parts = FitLinear(vectors, members, memberWeights);
            Parallel.ForEach(scored, parallel, row => features[row] = StackedFeatures.Of(texts.Vocabulary, texts[row].Where(isKnown), parts));
        });
        return features;
    }

    internal DocumentVectors[] Vectors(int[] rows) => texts.Each(rows, (_, text) => DocumentVectors.Of(texts.Vocabulary, text));

    private StackedScorer WithoutFolds(LinearParts parts)
        => new(parts, new StackingModel(_numClasses, StackedFeatures.NumBlocks), new StackWeights(_logPrior, SlopeWithoutFolds, 0));

    // Each judged document under a stack that was fitted to those of the other folds; null where these lack a class.
    private double[]?[] StackedOutOfFold(double[][] features, StackFolds folds, StackingModel whole)
    {
        double[]?[] stacked = new double[labels.Length][];
        const int parts = 5;
        // One fold of very many documents is cut anew.
        int Part(int place) => folds.Count > 1 ? folds.Folds[folds.Judged[place]] : place % parts;
        foreach (var part in Enumerable.Range(0, folds.Judged.Length).GroupBy(Part))
        {
            int[] others = [.. Enumerable.Range(0, folds.Judged.Length).Where(place => Part(place) != part.Key).Select(place => folds.Judged[place])];
            if (others.Length == 0)
                continue;
            var model = FitStacking(features, folds, others, whole);
            foreach (int place in part)
                stacked[folds.Judged[place]] = model.Logits(features[folds.Judged[place]]);
        }
        return stacked;
    }

    private StackingModel FitStacking(double[][] features, StackFolds folds, int[] members, StackingModel? start)
        => StackingModel.Fit(features, labels, folds.JudgedWeights, members, StackedScorer.EvidenceBlocks, _logPrior, start, parallel);

    // Linear models are right of the documents that they were fitted to. A stack that is not has learned the opposite of what they say: that the documents of a class are those that they don't know.
    private bool KnowsItsDocuments(StackedScorer scorer)
    {
        var checks = Enumerable.Range(0, labels.Length).GroupBy(row => labels[row]).SelectMany(rows => rows.Take(CheckedOfClass)).ToList();
        double[] losses = new double[labels.Length];
        Parallel.ForEach(checks, parallel, row =>
        {
            double[] logits = scorer.Logits(texts.Vocabulary, texts[row]);
            double max = logits.Max();
            losses[row] = Math.Log(logits.Sum(logit => Math.Exp(logit - max))) + max - logits[labels[row]];
        });
        return checks.GroupBy(row => labels[row]).All(rows => rows.Average(row => losses[row]) <= ToleratedLoss - _logPrior[rows.Key]);
    }

    private LinearParts FitLinear(DocumentVectors[] vectors, int[] members, float[]? memberWeights)
    {
        LinearModel Fit(Func<int, SparseVector> vectorOf, double cost)
        {
            var model = LogisticDualAscent.Fit(vectorOf, labels, memberWeights, members, texts.Vocabulary.Count, _numClasses, new LogisticDualAscent.Settings(cost, Seed: seed), parallel.CancellationToken);
            model.Round();
            return model;
        }
        var models = new LinearModel[LinearParts.Count];
        // Of documents that are no longer than a beginning, all three views are one.
        bool areShort = members.All(row => vectors[row].IsShort);
        Action[] fits =
        [
            () => models[0] = Fit(row => new SparseVector(vectors[row].Indices, vectors[row].Document), CostOfDocuments),
            () => models[1] = Fit(row => new SparseVector(vectors[row].Indices, vectors[row].Segments), CostOfSegments),
            () => models[2] = Fit(row => vectors[row].Beginning, CostOfDocuments),
            () => models[3] = Fit(row => vectors[row].Ending, CostOfDocuments),
        ];
        Parallel.ForEach(areShort ? fits[..2] : fits, parallel, fit => fit());
        if (areShort)
            models[2] = models[3] = models[0];
        return LinearParts.Of(models);
    }
}

/// <summary>The vector of a document and the mean of its segments' vectors, over the same n-grams, and the vectors of its two ends.</summary>
internal readonly record struct DocumentVectors(int[] Indices, float[] Document, float[] Segments, SparseVector Beginning, SparseVector Ending)
{
    /// <summary>Whether the document is no longer than its beginning.</summary>
    public bool IsShort => ReferenceEquals(Beginning.Values, Document);

    public static DocumentVectors Of(NGramVocabulary vocabulary, IndexedText text)
    {
        var whole = vocabulary.Vector(text, 0, text.Tokens.Length);
        bool isShort = text.Tokens.Length <= LinearParts.EdgeTokens;
        var (beginning, ending) = isShort ? (whole, whole) : (LinearParts.Beginning(vocabulary, text), LinearParts.Ending(vocabulary, text));
        if (text.SegmentEnds.Length == 1)
            return new DocumentVectors(whole.Indices, whole.Values, whole.Values, beginning, ending);
        float[] means = new float[whole.Indices.Length];
        foreach (var (start, end) in text.Segments())
        {
            var part = vocabulary.Vector(text, start, end);
            for (int i = 0; i < part.Indices.Length; i++)
                means[Array.BinarySearch(whole.Indices, part.Indices[i])] += part.Values[i] / text.SegmentEnds.Length;
        }
        return new DocumentVectors(whole.Indices, whole.Values, means, beginning, ending);
    }
}
