namespace Maha.Layers.Text;

// C classes

/// <summary>The weights that combine the evidence of the linear models and the stack, see <see cref="StackedScorer"/>.</summary>
/// <param name="LogPrior">The logarithm of each class's share, [C].</param>
/// <param name="Slope">The weight of the evidence.</param>
/// <param name="Share">The weight of the stack.</param>
internal sealed record StackWeights(double[] LogPrior, double Slope, double Share)
{
    /// <summary>Computes the logits, [C].</summary>
    /// <param name="evidence">The evidence g, [C].</param>
    /// <param name="stacked">The logits of the stack, [C].</param>
    public double[] Combine(double[] evidence, double[] stacked)
    {
        double[] logits = new double[LogPrior.Length];
        for (int c = 0; c < logits.Length; c++)
            logits[c] = LogPrior[c] + Slope * evidence[c] + Share * (stacked[c] - LogPrior[c]);
        return logits;
    }

    /// <summary>Returns the weights with which the logits are those of the stack, as in model files before format 3.</summary>
    public static StackWeights StackAlone(int numClasses) => new(new double[numClasses], 0, 1);
}
