namespace Maha.Layers.Training;

// n documents, C classes

/// <summary>
/// Calibrates probabilities by one number (Guo et al. 2017): softmax(logits / T), with the temperature T that maximizes the likelihood of
/// the labels of held-out documents. The predicted class does not change.
/// </summary>
/// <remarks>
/// T minimizes sum_i -ln softmax(z_i / T)_{y_i} + 2 (ln T)^2. The second term is a prior: T is 1 up to a factor of about exp(0.5). It keeps T
/// above 0 where a few documents are all classified correctly (the likelihood alone has its maximum at T = 0 then), and has no
/// noticeable effect from hundreds of documents on.
/// </remarks>
internal static class TemperatureScaling
{
    /// <summary>The temperature that does not change the logits.</summary>
    public const double None = 1;

    private const double PriorPrecision = 4;

    // Beyond a factor of 20, probabilities are practically 0, 1 or 1/C.
    private const double LogLimit = 3;
    private const int GridPoints = 25;

    // The maximum number of logits that are used: enough for three digits of T.
    private const int MaxLogits = 1 << 20;

    /// <summary>Computes the temperature of held-out documents.</summary>
    /// <param name="logits">The logits [C] of each of n documents that the model was not trained on.</param>
    /// <param name="labels">The class of each document, in [0, C).</param>
    /// <param name="weights">The weights of the documents; null for 1.</param>
    /// <returns>A number above 0; <see cref="None"/> where there are no documents, or a logit is not finite.</returns>
    /// <exception cref="ArgumentException">The numbers of logits and labels differ, or a label is not in [0, C).</exception>
    public static double Fit(IReadOnlyList<float[]> logits, IReadOnlyList<int> labels, IReadOnlyList<float>? weights = null)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(labels);
        if (logits.Count != labels.Count)
        {
            throw new ArgumentException(
                $"labels must be as many as logits, but there are {labels.Count} for {logits.Count}. Pass one label per document.", nameof(labels));
        }
        for (int i = 0; i < labels.Count; i++)
        {
            if ((uint)labels[i] >= (uint)logits[i].Length)
            {
                throw new ArgumentException(
                    $"labels must lie in [0, {logits[i].Length}), the classes of the logits, but label {i} is {labels[i]}. Number the classes from 0.",
                    nameof(labels));
            }
        }

        int count = logits.Count == 0 ? 0 : Math.Min(logits.Count, Math.Max(1, MaxLogits / logits[0].Length));
        if (count == 0 || logits.Any(row => row.Any(value => !float.IsFinite(value))))
            return None;

        double Loss(double logTemperature)
        {
            double scale = Math.Exp(-logTemperature), sum = PriorPrecision / 2 * logTemperature * logTemperature;
            for (int i = 0; i < count; i++)
                sum += (weights?[i] ?? 1) * NegativeLogProbability(logits[i], labels[i], scale);
            return sum;
        }
        // A coarse grid first: the sum of likelihood and prior can have two minima.
        const double step = 2 * LogLimit / (GridPoints - 1);
        double best = Enumerable.Range(0, GridPoints).Select(i => -LogLimit + i * step).MinBy(Loss);
        return Math.Exp(GoldenSection(Loss, best - step, best + step));
    }

    private static double NegativeLogProbability(float[] logits, int label, double scale)
    {
        // The largest logit is subtracted, since exp overflows from 710 on.
        double max = logits.Max(), sum = 0;
        foreach (float logit in logits)
            sum += Math.Exp((logit - max) * scale);
        return Math.Log(sum) - (logits[label] - max) * scale;
    }

    // The minimum of a function between two numbers (Kiefer 1953).
    private static double GoldenSection(Func<double, double> function, double low, double high)
    {
        double ratio = (Math.Sqrt(5) - 1) / 2;
        double left = high - ratio * (high - low), right = low + ratio * (high - low);
        double atLeft = function(left), atRight = function(right);
        while (high - low > 1e-4)
        {
            if (atLeft <= atRight)
            {
                (high, right, atRight) = (right, left, atLeft);
                left = high - ratio * (high - low);
                atLeft = function(left);
            }
            else
            {
                (low, left, atLeft) = (left, right, atRight);
                right = low + ratio * (high - low);
                atRight = function(right);
            }
        }
        return (low + high) / 2;
    }
}
