namespace Maha.Layers.Text;

// n documents, C classes

/// <summary>How the logits of the n-grams and of the network become one: z = a wide + b deep with a, b at least 0.</summary>
/// <param name="Wide">a.</param>
/// <param name="Deep">b.</param>
internal readonly record struct LogitFusion(double Wide, double Deep)
{
    // The stack's logits are calibrated ones of held-out documents; a network's are of documents that it was not stopped by, and too sure.
    // The prior weighs as much as ten documents, so that a validation part of fifty is not overfitted.
    private static readonly ExpectedWeight[] s_prior = [new(1, 10), new(0.5, 10)];

    /// <summary>What is used where nothing validates.</summary>
    public static LogitFusion Prior => new(s_prior[0].Expected, s_prior[1].Expected);

    /// <summary>The logits of a document.</summary>
    public float[] Combine(IReadOnlyList<double> wide, IReadOnlyList<float> deep)
    {
        float[] logits = new float[deep.Count];
        for (int c = 0; c < logits.Length; c++)
            logits[c] = (float)(Wide * wide[c] + Deep * deep[c]);
        return logits;
    }

    /// <summary>The fusion under which the labels are likeliest: minimizes the sum of the log losses and 5 (a - 1)^2 + 5 (b - 1/2)^2.</summary>
    /// <param name="wide">n times [C], of documents that neither was fitted to.</param>
    /// <param name="deep">n times [C], likewise.</param>
    /// <param name="labels">n classes.</param>
    /// <param name="cancellationToken">Looked for before every step.</param>
    public static LogitFusion Fit(IReadOnlyList<double[]> wide, IReadOnlyList<float[]> deep, IReadOnlyList<int> labels, CancellationToken cancellationToken)
    {
        double[] weights = NonNegativeWeights.Fit(
            [.. labels.Select((label, i) => new SourcedDocument(label, 1, null, [wide[i], [.. deep[i].Select(value => (double)value)]], 0))], s_prior, cancellationToken);
        return new LogitFusion(weights[0], weights[1]);
    }
}
