namespace Maha.Layers.Text;

// n documents, V n-grams, C classes or labels

/// <summary>Fits <see cref="LinearParts"/>: linear models of each class or label against all other documents.</summary>
/// <param name="documents">The documents.</param>
/// <param name="labels">The labels of each document.</param>
/// <param name="numClasses">C.</param>
/// <param name="seed">The seed of the orders of documents.</param>
/// <param name="parallel">The number of threads and the cancellation.</param>
internal sealed class LinearPartsTrainer(
    NGramTrainer.IndexedDocuments documents, LabelSets labels, int numClasses, int seed, ParallelOptions parallel)
{
    // The vectors of documents have the length 1; the means of segments' vectors are shorter, so their model needs larger weights.
    private const double CostOfDocuments = 10;
    private const double CostOfSegments = 30;

    /// <summary>Computes the features of each scored document under linear models that were fitted to the other folds; null for other documents.</summary>
    public double[]?[] OutOfFoldFeatures(DocumentVectors[] vectors, StackFolds folds)
    {
        double[]?[] features = new double[labels.Count][];
        Parallel.For(0, folds.Count, parallel, fold =>
        {
            int[] scored = folds.ScoredIn(fold);
            if (scored.Length == 0)
                return;
            var (members, memberWeights) = folds.TrainingSetOf(fold);
            bool[] isKnown = documents.KnownTo(members, row => vectors[row].Indices);
            var parts = Fit(vectors, members, memberWeights);
            Parallel.ForEach(scored, parallel, row => features[row] = StackedFeatures.Compute(documents.Vocabulary, documents[row].Where(isKnown), parts));
        });
        return features;
    }

    /// <summary>Computes the vectors of some documents.</summary>
    public DocumentVectors[] Vectors(int[] rows) => documents.Map(rows, (_, text) => DocumentVectors.Compute(documents.Vocabulary, text));

    /// <summary>Fits the linear models.</summary>
    /// <param name="vectors">The vectors of the documents.</param>
    /// <param name="members">The documents to fit to.</param>
    /// <param name="memberWeights">The weight of each document; null for 1.</param>
    public LinearParts Fit(DocumentVectors[] vectors, int[] members, float[]? memberWeights)
    {
        LinearModel FitOne(Func<int, SparseVector> vectorOf, double cost)
        {
            var settings = new LogisticDualAscent.Settings(cost, Seed: seed);
            var model = LogisticDualAscent.Fit(
                vectorOf, labels, memberWeights, members, documents.Vocabulary.Count, numClasses, settings, parallel.CancellationToken);
            HalfPrecision.Round(model.Weights);
            return model;
        }
        var models = new LinearModel[LinearParts.Count];
        // If no document is longer than a beginning, the document, its beginning and its ending are the same.
        bool areShort = members.All(row => vectors[row].IsShort);
        Action[] fits =
        [
            () => models[0] = FitOne(row => new SparseVector(vectors[row].Indices, vectors[row].Document), CostOfDocuments),
            () => models[1] = FitOne(row => new SparseVector(vectors[row].Indices, vectors[row].Segments), CostOfSegments),
            () => models[2] = FitOne(row => vectors[row].Beginning, CostOfDocuments),
            () => models[3] = FitOne(row => vectors[row].Ending, CostOfDocuments),
        ];
        Parallel.ForEach(areShort ? fits[..2] : fits, parallel, fit => fit());
        if (areShort)
            models[2] = models[3] = models[0];
        return new LinearParts(models);
    }
}
