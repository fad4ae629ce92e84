namespace Maha.Layers.Training;

// n documents, C classes

/// <summary>
/// Calibration by one number (Guo and others 2017): softmax(logits / T) with the temperature T under which the labels of held-out
/// documents are likeliest. The best class stays the best.
/// </summary>
/// <remarks>
/// T minimizes sum_i -ln softmax(z_i / T)_{y_i} + 2 (ln T)^2. The second term is the prior that T is 1 within a factor of exp(0.5):
/// it keeps T finite where a few documents are all classified rightly (the likelihood alone wants T = 0 then), and weighs nothing beside hundreds.
/// </remarks>
public static class TemperatureScaling
{
    /// <summary>The temperature that leaves logits as they are.</summary>
    public const double None = 1;

    private const double PriorPrecision = 4;

    // Beyond a factor of 20 the probabilities are 0, 1, or 1/C.
    private const double LogLimit = 3;
    private const int GridPoints = 25;

    // Enough for three digits of T; more documents only cost time.
    private const int MaxLogits = 1 << 20;

    /// <summary>The best temperature.</summary>
    /// <param name="logits">n times [C], of documents that were not trained on.</param>
    /// <param name="labels">n class indices in [0, C).</param>
    /// <returns>A number above 0; <see cref="None"/> where there are no documents, or a logit is not finite.</returns>
    /// <exception cref="ArgumentException">The numbers of logits and labels differ, or a label has no logit.</exception>
    public static double Fit(IReadOnlyList<float[]> logits, IReadOnlyList<int> labels)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(labels);
        if (logits.Count != labels.Count)
            throw new ArgumentException($"labels must be as many as logits, but there are {labels.Count} for {logits.Count}. Give one label a document.", nameof(labels));
        for (int i = 0; i < labels.Count; i++)
        {
            if ((uint)labels[i] >= (uint)logits[i].Length)
                throw new ArgumentException($"labels must lie in [0, {logits[i].Length}), the classes of the logits, but label {i} is {labels[i]}. Number the classes from 0.", nameof(labels));
        }

        int count = logits.Count == 0 ? 0 : Math.Min(logits.Count, Math.Max(1, MaxLogits / logits[0].Length));
        if (count == 0 || logits.Any(row => row.Any(value => !float.IsFinite(value))))
            return None;

        double Loss(double logTemperature)
        {
            double scale = Math.Exp(-logTemperature), sum = PriorPrecision / 2 * logTemperature * logTemperature;
            for (int i = 0; i < count; i++)
                sum += NegativeLogProbability(logits[i], labels[i], scale);
            return sum;
        }
        // A coarse look first: likelihood and prior together may have two valleys.
        const double step = 2 * LogLimit / (GridPoints - 1);
        double best = Enumerable.Range(0, GridPoints).Select(i => -LogLimit + i * step).MinBy(Loss);
        return Math.Exp(GoldenSection(Loss, best - step, best + step));
    }

    private static double NegativeLogProbability(float[] logits, int label, double scale)
    {
        // The largest logit is taken off before it is an exponent: exp overflows from 710 on.
        double max = logits.Max(), sum = 0;
        foreach (float logit in logits)
            sum += Math.Exp((logit - max) * scale);
        return Math.Log(sum) - (logits[label] - max) * scale;
    }

    // Kiefer 1953.
    private static double GoldenSection(Func<double, double> of, double low, double high)
    {
        double ratio = (Math.Sqrt(5) - 1) / 2;
        double left = high - ratio * (high - low), right = low + ratio * (high - low);
        double atLeft = of(left), atRight = of(right);
        while (high - low > 1e-4)
        {
            if (atLeft <= atRight)
            {
                (high, right, atRight) = (right, left, atLeft);
                left = high - ratio * (high - low);
                atLeft = of(left);
            }
            else
            {
                (low, left, atLeft) = (left, right, atRight);
                right = low + ratio * (high - low);
                atRight = of(right);
            }
        }
        return (low + high) / 2;
    }
}
