namespace Maha.Layers.Data;

// C classes, n documents

/// <summary>The weights of the classes in a training loss.</summary>
internal static class ClassWeights
{
    /// <summary>Computes the weights with which every class counts the same: n / (C n_c), where n_c is the weight of the documents of class c.</summary>
    /// <param name="counts">The weight of the documents of each class. A class without documents has the weight 1 and does not count in C.</param>
    public static float[] Balanced(IReadOnlyList<double> counts)
    {
        double total = counts.Sum();
        int present = counts.Count(count => count > 0);
        return [.. counts.Select(count => count == 0 ? 1 : (float)(total / (present * count)))];
    }

    /// <summary>The largest ratio of two class weights: that of more could not be a ratio of float32.</summary>
    public const double MaxRatio = 1e30;

    /// <summary>
    /// Returns weights, of which only the ratios matter, times the power of 2 that brings the largest into [1, 2): no sum of them can overflow, and none is rounded.
    /// </summary>
    public static double[] Scaled(IReadOnlyList<double> weights)
    {
        int exponent = Math.ILogB(weights.Max());
        return [.. weights.Select(weight => Math.ScaleB(weight, -exponent))];
    }

    /// <summary>Computes the weight of each document for models whose loss is a sum: the product of its own weight and that of its class.</summary>
    /// <param name="labels">The class of each document.</param>
    /// <param name="weights">The weights of the documents; null for 1.</param>
    /// <param name="weighting">How classes are weighted.</param>
    /// <param name="classWeights">The weights of the classes, [C]; null for equal ones.</param>
    /// <returns>The weights, whose sum is that of the documents' own ones; null where all are 1.</returns>
    public static float[]? OfDocuments(
        IReadOnlyList<int> labels, IReadOnlyList<float>? weights, ClassWeighting weighting, IReadOnlyList<double>? classWeights)
    {
        if (weighting == ClassWeighting.None && classWeights is null)
            return weights is null ? null : [.. weights];
        if (weighting == ClassWeighting.Balanced && weights is null)
        {
            var counts = labels.CountBy(label => label).ToDictionary();
            return [.. labels.Select(label => (float)labels.Count / (counts.Count * counts[label]))];
        }
        double[] sums = new double[labels.Max() + 1];
        for (int row = 0; row < labels.Count; row++)
            sums[labels[row]] += weights?[row] ?? 1;
        double[] ofClasses = weighting == ClassWeighting.Balanced
            ? [.. sums.Select(sum => sum == 0 ? 0 : 1 / sum)]
            : [.. classWeights!.Take(sums.Length)];
        // A common factor of the class weights must not change how strongly the models are regularized.
        double scale = sums.Sum() / sums.Zip(ofClasses).Sum(pair => pair.First * pair.Second);
        return [.. labels.Select((label, row) => (float)(scale * ofClasses[label] * (weights?[row] ?? 1)))];
    }
}
