namespace Maha.Layers.Text;

// n documents, L labels, K sources

/// <summary>
/// Fits the weights of sources of scores, and an offset of each label, to labels of documents that no source was fitted to. The log odds of label l are then
/// z_l = offset_l + sum_k u_k source_kl.
/// </summary>
/// <remarks>
/// Minimizes sum_i v_i sum_l ln(1 + exp(-y_il z_il)) + sum_k strength_k (ln u_k - ln expected_k)^2 / 2 + sum_l (offset_l - log odds_l - mean)^2 / 2. The weights are
/// above 0, so that the scores of a source never count as their opposite. An offset of a label of few documents moves with those of the others.
/// </remarks>
/// <param name="Weights">u, [K].</param>
/// <param name="Offsets">The offsets, [L].</param>
internal sealed record LabelWeighting(double[] Weights, double[] Offsets)
{
    // Beyond it, the exponential of a step could overflow.
    private const double MaxLogWeight = 7;

    /// <summary>Computes the log odds of a document, [L].</summary>
    /// <param name="sources">The scores of each source, [K, L].</param>
    public float[] Combine(params ReadOnlySpan<float[]> sources)
    {
        float[] logits = new float[Offsets.Length];
        for (int l = 0; l < logits.Length; l++)
        {
            double z = Offsets[l];
            for (int k = 0; k < sources.Length; k++)
                z += Weights[k] * sources[k][l];
            logits[l] = (float)z;
        }
        return logits;
    }

    /// <summary>Fits weights and offsets.</summary>
    /// <param name="sources">The scores of each source for each document, [K, n, L].</param>
    /// <param name="labels">The labels of the documents.</param>
    /// <param name="documentWeights">v, the weights of the documents; null for 1.</param>
    /// <param name="logOdds">The log odds of the labels without any source, [L], to which the offsets are added.</param>
    /// <param name="expected">The weight of each source that is expected before a document is seen, and how many documents the expectation counts as.</param>
    /// <param name="parallel">The number of threads and the cancellation.</param>
    public static LabelWeighting Fit(
        IReadOnlyList<float[][]> sources, LabelSets labels, IReadOnlyList<float>? documentWeights, double[] logOdds,
        IReadOnlyList<(double Weight, double Strength)> expected, ParallelOptions parallel)
    {
        int numSources = sources.Count, count = labels.Count, numLabels = sources[0][0].Length, mean = numSources + numLabels;
        // ln u [K], the differences of the offsets from their mean [L], the mean.
        double[] point = new double[mean + 1];
        for (int k = 0; k < numSources; k++)
            point[k] = Math.Log(expected[k].Weight);
        int parts = Math.Clamp(count, 1, Math.Max(1, parallel.MaxDegreeOfParallelism));

        double[] Gradient(double[] at, out double value)
        {
            double[] weights = [.. at.Take(numSources).Select(log => Math.Exp(Math.Min(log, MaxLogWeight)))];
            double[][] gradients = new double[parts][];
            double[] losses = new double[parts];
            Parallel.For(0, parts, parallel, part =>
            {
                double[] gradient = gradients[part] = new double[at.Length];
                bool[] isLabel = new bool[numLabels];
                for (int i = (int)((long)count * part / parts); i < (long)count * (part + 1) / parts; i++)
                {
                    double weight = documentWeights?[i] ?? 1;
                    foreach (int label in labels[i])
                        isLabel[label] = true;
                    for (int l = 0; l < numLabels; l++)
                    {
                        double z = logOdds[l] + at[mean] + at[numSources + l];
                        for (int k = 0; k < numSources; k++)
                            z += weights[k] * sources[k][i][l];
                        double margin = isLabel[l] ? z : -z;
                        // ln(1 + exp(-m)), without overflow where m is far below 0.
                        losses[part] += weight * (Math.Max(-margin, 0) + Math.Log(1 + Math.Exp(-Math.Abs(margin))));
                        double slope = weight * ((1 / (1 + Math.Exp(-z))) - (isLabel[l] ? 1 : 0));
                        gradient[mean] += slope;
                        gradient[numSources + l] += slope;
                        for (int k = 0; k < numSources; k++)
                            gradient[k] += slope * weights[k] * sources[k][i][l];
                    }
                    foreach (int label in labels[i])
                        isLabel[label] = false;
                }
            });
            double[] total = new double[at.Length];
            value = losses.Sum();
            foreach (double[] gradient in gradients)
            {
                for (int i = 0; i < total.Length; i++)
                    total[i] += gradient[i];
            }
            for (int k = 0; k < numSources; k++)
            {
                double moved = at[k] - Math.Log(expected[k].Weight);
                total[k] += expected[k].Strength * moved;
                value += expected[k].Strength * moved * moved / 2;
            }
            for (int l = numSources; l < mean; l++)
            {
                total[l] += at[l];
                value += at[l] * at[l] / 2;
            }
            return total;
        }
        QuasiNewton.Minimize(Gradient, point, 1e-4 * Math.Max(1, count / 100.0));
        return new LabelWeighting(
            [.. point.Take(numSources).Select(log => Math.Exp(Math.Min(log, MaxLogWeight)))],
            [.. logOdds.Select((odds, l) => odds + point[mean] + point[numSources + l])]);
    }
}
