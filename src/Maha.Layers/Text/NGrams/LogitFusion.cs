namespace Maha.Layers.Text;

// n documents, C classes

/// <summary>The weights that combine the logits of the n-grams and of the network: z = a wide + b deep, where a and b are at least 0.</summary>
/// <param name="Wide">a, the weight of the n-grams.</param>
/// <param name="Deep">b, the weight of the network.</param>
internal readonly record struct LogitFusion(double Wide, double Deep)
{
    // The n-grams' logits are calibrated on held-out documents. The network's are not: they are too confident, so less is expected of them.
    // The prior counts as much as ten documents, so that fifty validation documents are not overfitted.
    private static readonly ExpectedWeight[] s_prior = [new(1, 10), new(0.5, 10)];

    /// <summary>The weights for training without validation documents.</summary>
    public static LogitFusion Prior => new(s_prior[0].Expected, s_prior[1].Expected);

    /// <summary>Computes the combined logits of a document, [C].</summary>
    public float[] Combine(IReadOnlyList<double> wide, IReadOnlyList<float> deep)
    {
        float[] logits = new float[deep.Count];
        for (int c = 0; c < logits.Length; c++)
            logits[c] = (float)(Wide * wide[c] + Deep * deep[c]);
        return logits;
    }

    /// <summary>Fits the weights: minimizes the sum of the log losses and 5 (a - 1)^2 + 5 (b - 1/2)^2.</summary>
    /// <param name="wide">The n-grams' logits [C] of n documents that the n-grams were not fitted to.</param>
    /// <param name="deep">The network's logits [C] of the same documents, which the network was not fitted to either.</param>
    /// <param name="labels">The classes of the documents.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <param name="documentWeights">The weights of the documents; null for 1.</param>
    public static LogitFusion Fit(
        IReadOnlyList<double[]> wide, IReadOnlyList<float[]> deep, IReadOnlyList<int> labels, CancellationToken cancellationToken,
        IReadOnlyList<float>? documentWeights = null)
    {
        var documents = labels.Select((label, i) => new WeightingDocument(label, documentWeights?[i] ?? 1, null, [wide[i], [.. deep[i].Select(value => (double)value)]], 0));
        double[] weights = NonNegativeWeights.Fit([.. documents], s_prior, cancellationToken);
        return new LogitFusion(weights[0], weights[1]);
    }
}
