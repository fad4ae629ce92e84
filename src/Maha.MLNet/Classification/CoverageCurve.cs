using System.Globalization;

namespace Maha.MLNet.Classification;

/// <summary>
/// The coverage and accuracy of a classifier that abstains below a threshold, for every threshold: the fewer documents it answers, the more of its answers are
/// correct.
/// </summary>
/// <remarks>
/// <c>mlContext.MulticlassClassification.MahaCoverageCurve</c> and <c>mlContext.BinaryClassification.MahaCoverageCurve</c> create it from predictions. Use
/// documents that the model was not trained on.
/// </remarks>
public sealed class CoverageCurve
{
    private CoverageCurve(IReadOnlyList<CoveragePoint> points) => Points = points;

    /// <summary>
    /// The points in the order of their thresholds: the first answers every document, the last only those with the highest probability. There is one per
    /// different probability.
    /// </summary>
    public IReadOnlyList<CoveragePoint> Points { get; }

    /// <summary>Creates the curve of predictions.</summary>
    /// <param name="probabilities">The probability of the predicted label of each document, in [0, 1].</param>
    /// <param name="areCorrect">Whether each prediction is correct.</param>
    /// <param name="weights">The weight of each document, above 0; null for equal weights.</param>
    /// <returns>The curve.</returns>
    /// <exception cref="ArgumentException">There is no prediction, the lists differ in length, or a number is out of range.</exception>
    public static CoverageCurve Create(IReadOnlyList<double> probabilities, IReadOnlyList<bool> areCorrect, IReadOnlyList<float>? weights = null)
    {
        ArgumentNullException.ThrowIfNull(probabilities);
        ArgumentNullException.ThrowIfNull(areCorrect);
        int count = probabilities.Count;
        if (count == 0 || areCorrect.Count != count || (weights is not null && weights.Count != count))
        {
            throw new ArgumentException(
                $"There must be one correctness and one weight per probability, and at least one, but there are {count} probabilities, {areCorrect.Count} " +
                $"correctnesses and {weights?.Count ?? count} weights. Pass all predictions.", nameof(areCorrect));
        }
        for (int i = 0; i < count; i++)
        {
            if (!(probabilities[i] >= 0 && probabilities[i] <= 1))
            {
                throw new ArgumentOutOfRangeException(
                    nameof(probabilities), probabilities[i],
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"Probabilities must lie in [0, 1], but number {i} is {probabilities[i]}. Pass probabilities, not scores."));
            }
            if (weights is not null && !(weights[i] > 0 && float.IsFinite(weights[i])))
            {
                throw new ArgumentOutOfRangeException(
                    nameof(weights), weights[i],
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"Weights must be finite and above 0, but number {i} is {weights[i]}. Leave out documents without weight."));
            }
        }
        int[] order = [.. Enumerable.Range(0, count).OrderByDescending(i => probabilities[i])];
        double answered = 0, correct = 0, total = order.Sum(i => (double)(weights?[i] ?? 1));
        var points = new List<CoveragePoint>();
        for (int place = 0; place < count; place++)
        {
            double weight = weights?[order[place]] ?? 1, lowest = probabilities[order[place]];
            answered += weight;
            correct += areCorrect[order[place]] ? weight : 0;
            double? next = place + 1 < count ? probabilities[order[place + 1]] : null;
            // In the middle between two probabilities, so that rounding changes no decision; 0 answers all.
            if (next != lowest)
                points.Add(new CoveragePoint(next is { } lower ? (lowest + lower) / 2 : 0, answered / total, correct / answered));
        }
        points.Reverse();
        return new CoverageCurve(points);
    }

    /// <summary>Returns the point with the largest coverage whose accuracy is at least a target.</summary>
    /// <param name="accuracy">The target, above 0 and at most 1.</param>
    /// <returns>The point; null if no threshold has the accuracy.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The target is not in (0, 1].</exception>
    public CoveragePoint? ForAccuracy(double accuracy)
    {
        Abstention.ForAccuracy(accuracy);
        foreach (var point in Points)
        {
            if (point.Accuracy >= accuracy)
                return point;
        }
        return null;
    }

    /// <summary>Returns the point with the highest threshold whose coverage is at least a target.</summary>
    /// <param name="coverage">The target, above 0 and at most 1.</param>
    /// <returns>The point.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The target is not in (0, 1].</exception>
    public CoveragePoint ForCoverage(double coverage)
    {
        Abstention.ForCoverage(coverage);
        // The rounding of a sum of weights must not exclude a point.
        return Points.Last(point => point.Coverage >= coverage - 1e-12);
    }
}

/// <summary>A point of a <see cref="CoverageCurve"/>.</summary>
/// <param name="Threshold">The classifier abstains where the probability of its predicted label is below this threshold.</param>
/// <param name="Coverage">The fraction of the documents that are answered, in (0, 1].</param>
/// <param name="Accuracy">The fraction of the answers that are correct, in [0, 1].</param>
public readonly record struct CoveragePoint(double Threshold, double Coverage, double Accuracy);
