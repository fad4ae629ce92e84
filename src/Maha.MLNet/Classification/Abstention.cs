using System.Globalization;

namespace Maha.MLNet.Classification;

/// <summary>
/// The rule by which a classifier abstains: it gives no answer where the probability of its predicted label is below a threshold, which is stated or chosen on
/// the validation documents.
/// </summary>
public sealed class Abstention
{
    private Abstention(string name, double value) => (Name, Value) = (name, value);

    // A name that appears in messages and checkpoints.
    private string Name { get; }

    private double Value { get; }

    /// <summary>Whether the threshold is chosen on the validation documents.</summary>
    internal bool NeedsValidation => Name != nameof(Below);

    /// <summary>Abstains below a probability.</summary>
    /// <param name="probability">The threshold, above 0 and at most 1.</param>
    /// <returns>The rule.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The probability is not in (0, 1].</exception>
    public static Abstention Below(double probability) => new(nameof(Below), Checked(probability, nameof(probability), "Use 0.8, for instance."));

    /// <summary>
    /// Abstains as rarely as possible so that a fraction of the answers is correct: the largest coverage of the validation documents whose accuracy is at least
    /// the target.
    /// </summary>
    /// <param name="accuracy">The fraction of the answers that must be correct, above 0 and at most 1.</param>
    /// <returns>The rule.</returns>
    /// <remarks>
    /// If no threshold has the accuracy, the one with the highest is chosen, and <c>Fit</c> logs a warning. The accuracy is that of the validation documents;
    /// with few of them, new documents may have another.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The accuracy is not in (0, 1].</exception>
    public static Abstention ForAccuracy(double accuracy) => new(nameof(ForAccuracy), Checked(accuracy, nameof(accuracy), "Use 0.95, for instance."));

    /// <summary>Answers a fraction of the documents: the highest threshold with which at least this fraction of the validation documents is answered.</summary>
    /// <param name="coverage">The fraction of the documents to answer, above 0 and at most 1.</param>
    /// <returns>The rule.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The coverage is not in (0, 1].</exception>
    public static Abstention ForCoverage(double coverage) => new(nameof(ForCoverage), Checked(coverage, nameof(coverage), "Use 0.9, for instance."));

    /// <summary>Returns the rule as text, such as "ForAccuracy(0.95)".</summary>
    /// <returns>The text.</returns>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}({Value:R})");

    /// <summary>Checks a threshold.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not in (0, 1].</exception>
    internal static double CheckedThreshold(double probability, string name) => Checked(probability, name, "Use 0.8, for instance.");

    /// <summary>Chooses the threshold.</summary>
    /// <param name="curve">The coverage and accuracy of the validation documents; null for a stated threshold.</param>
    /// <returns>The threshold, and the point of the curve that is chosen; null for a stated threshold.</returns>
    internal (double Threshold, CoveragePoint? Point, bool IsReached) Choose(CoverageCurve? curve)
    {
        if (Name == nameof(Below))
            return (Value, null, true);
        if (Name == nameof(ForCoverage))
        {
            var answered = curve!.ForCoverage(Value);
            return (answered.Threshold, answered, true);
        }
        var reached = curve!.ForAccuracy(Value);
        var point = reached ?? curve.Points.MaxBy(one => (one.Accuracy, one.Coverage));
        return (point.Threshold, point, reached is not null);
    }

    private static double Checked(double value, string name, string remedy) => value > 0 && value <= 1
        ? value
        : throw new ArgumentOutOfRangeException(
            name, value, string.Create(CultureInfo.InvariantCulture, $"{name} must lie in (0, 1], but is {value}. {remedy}"));
}
