using System.Globalization;

namespace Maha.Layers.Data;

/// <summary>The weights of documents: a document of weight 2 counts as two documents of weight 1.</summary>
internal static class DocumentWeights
{
    // A smaller weight has no influence. Above 0, so that the documents of a class never have the weight 0 together.
    private const double Smallest = 1e-9;

    // Beyond it, float32 sums lose the other documents.
    private const double Largest = 1e9;

    /// <summary>Returns the weights of some documents; null if all have the weight 1.</summary>
    /// <param name="documents">The collection.</param>
    /// <param name="rows">The documents, each in [0, Count).</param>
    public static float[]? WeightsOf(this ITokenizedDocuments documents, IReadOnlyList<int> rows)
    {
        if (!documents.HasWeights())
            return null;
        float[] weights = new float[rows.Count];
        for (int i = 0; i < weights.Length; i++)
            weights[i] = documents.WeightOf(rows[i]);
        return weights;
    }

    /// <summary>Returns the weights of all documents; null if all have the weight 1.</summary>
    public static float[]? WeightsOf(this ITokenizedDocuments documents) => documents.WeightsOf([.. Enumerable.Range(0, documents.Count)]);

    /// <summary>Returns the weight of a document; 1 where the collection has none.</summary>
    public static float WeightOf(this ITokenizedDocuments documents, int index)
    {
        while (documents is IDocumentView view)
            (documents, index) = (view.Source, view.SourceIndexOf(index));
        return documents is TokenizedDataset { Weights: { } weights } ? weights[index] : 1;
    }

    /// <summary>Divides weights by their median, so that the typical document counts as one whatever the unit of the weights is.</summary>
    /// <param name="weights">Weights, finite and above 0.</param>
    /// <returns>The weights of the documents; null if all are equal.</returns>
    /// <remarks>
    /// The median, not the mean: where most documents have the weight 1, one of weight 2 then counts as exactly two documents. It is one of the weights, so
    /// that weights with a common factor give the same quotients.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">A weight is more than a billion times the median.</exception>
    public static float[]? Normalize(IReadOnlyList<float> weights)
    {
        float[] sorted = [.. weights.Order()];
        if (sorted.Length == 0 || sorted[0] == sorted[^1])
            return null;
        double median = sorted[(sorted.Length - 1) / 2];
        if (sorted[^1] / median > Largest)
        {
            throw new ArgumentOutOfRangeException(
                nameof(weights), sorted[^1], string.Create(
                    CultureInfo.InvariantCulture,
                    $"The weights of documents must be at most {Largest:G0} times their median, which is {median:G4}, but one is {sorted[^1]:G4}. " +
                    $"Lower the largest weights."));
        }
        return [.. weights.Select(weight => (float)Math.Max(weight / median, Smallest))];
    }

    private static bool HasWeights(this ITokenizedDocuments documents)
    {
        while (documents is IDocumentView view)
            documents = view.Source;
        return documents is TokenizedDataset { Weights: not null };
    }
}
