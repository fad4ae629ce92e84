namespace Maha.Layers.Text;

// n documents, C classes, m margin, a dual variable

/// <summary>
/// Fits one logistic regression per class, of the class against all others, by coordinate ascent in the dual (Yu, Huang and Lin 2011).
/// All classes of a document are updated together, so that each of its weights is read once.
/// </summary>
/// <remarks>
/// <para>Minimizes |w|^2 / 2 + cost sum_i v_i ln(1 + exp(-y_i w x_i)), where the weights w include the bias and v_i are document weights. With U = cost v_i and
/// Q = |x_i|^2 + 1, the optimal a in (0, U) satisfies ln(a / (U - a)) + m + Q (a - a_before) = 0. Substituting t = ln(a / (U - a)) gives
/// t + m - Q a_before + Q U sigmoid(t) = 0, whose slope is between 1 and 1 + Q U / 4 everywhere. It is solved in t, since close to 0 and U the value a
/// is rounded to the bound and its logarithm overflows.</para>
/// </remarks>
internal static class LogisticDualAscent
{
    /// <summary>The settings of a fit.</summary>
    /// <param name="Cost">The weight of a document's loss relative to |w|^2 / 2.</param>
    /// <param name="Tolerance">The fit ends after a pass in which the dual variables changed by at most this share of their sum.</param>
    /// <param name="MaxPasses">The largest number of passes over the documents.</param>
    /// <param name="Seed">The seed of the order of the documents.</param>
    public sealed record Settings(double Cost, double Tolerance = 0.01, int MaxPasses = 30, int Seed = 0);

    private const int DocumentsPerCheck = 256;

    /// <summary>Fits a model.</summary>
    /// <param name="vectors">The vector of each document.</param>
    /// <param name="labels">The class of each document.</param>
    /// <param name="documentWeights">The weight v of each document; null for 1.</param>
    /// <param name="members">The documents to fit to.</param>
    /// <param name="numFeatures">V.</param>
    /// <param name="numClasses">C.</param>
    /// <param name="settings">The settings.</param>
    /// <param name="cancellationToken">Checked every few documents.</param>
    public static LinearModel Fit(Func<int, SparseVector> vectors, IReadOnlyList<int> labels, IReadOnlyList<float>? documentWeights, IReadOnlyList<int> members,
        int numFeatures, int numClasses, Settings settings, CancellationToken cancellationToken) =>
        Fit(vectors, LabelSets.FromClasses(labels), documentWeights, members, numFeatures, numClasses, settings, cancellationToken);

    /// <summary>Fits a model to documents that may have several labels: each label against the documents without it.</summary>
    /// <inheritdoc cref="Fit(Func{int, SparseVector}, IReadOnlyList{int}, IReadOnlyList{float}?, IReadOnlyList{int}, int, int, Settings, CancellationToken)"/>
    public static LinearModel Fit(Func<int, SparseVector> vectors, LabelSets labels, IReadOnlyList<float>? documentWeights, IReadOnlyList<int> members,
        int numFeatures, int numClasses, Settings settings, CancellationToken cancellationToken)
    {
        var model = new LinearModel(numFeatures, numClasses);
        int stride = model.Stride;
        // Of two classes, the second against the first is the first against the second with the signs reversed: one is fitted.
        int fittedClasses = numClasses == 2 && labels.AreClasses ? 1 : numClasses;
        int[] order = [.. members];
        float[][] duals = new float[labels.Count][];
        float[] norms = new float[labels.Count];
        foreach (int row in order)
        {
            duals[row] = new float[fittedClasses];
            norms[row] = 1 + vectors(row).Values.Sum(value => value * value);
        }
        Span<float> scores = new float[stride];
        Span<float> changes = new float[stride];
        Span<float> signs = new float[numClasses];
        var random = new Random(settings.Seed);
        for (int pass = 0; pass < settings.MaxPasses; pass++)
        {
            random.Shuffle(order);
            double moved = 0, sum = 0;
            for (int place = 0; place < order.Length; place++)
            {
                if (place % DocumentsPerCheck == 0)
                    cancellationToken.ThrowIfCancellationRequested();
                int row = order[place];
                var vector = vectors(row);
                model.Score(vector, scores);
                double limit = settings.Cost * (documentWeights?[row] ?? 1);
                bool changed = false;
                signs.Fill(-1);
                foreach (int label in labels[row])
                    signs[label] = 1;
                float[] dualsOfRow = duals[row];
                for (int c = 0; c < fittedClasses; c++)
                {
                    float sign = signs[c];
                    double before = dualsOfRow[c], after = OptimalDual(sign * scores[c], before, norms[row], limit);
                    dualsOfRow[c] = (float)after;
                    changes[c] = sign * (dualsOfRow[c] - (float)before);
                    double step = Math.Abs(changes[c]);
                    moved += step;
                    sum += after;
                    changed |= step > 1e-6 * limit;
                }
                if (!changed)
                    continue;
                if (fittedClasses < numClasses)
                    changes[1] = -changes[0];
                for (int i = 0; i < vector.Indices.Length; i++)
                    LinearModel.AddScaled(changes, vector.Values[i], model.Weights.AsSpan(vector.Indices[i] * stride, stride));
                LinearModel.AddScaled(changes, 1, model.Bias);
            }
            if (moved <= settings.Tolerance * sum)
                break;
        }
        return model;
    }

    // Newton's method in t, kept inside a bracket of the root. The margin m is that of the current weights.
    private static double OptimalDual(double margin, double before, double norm, double limit)
    {
        double target = norm * before - margin, span = norm * limit, low = target - span, high = target;
        double t = Math.Clamp(before > 0 ? Math.Log(before / Math.Max(limit - before, 1e-12 * limit)) : -margin, low, high);
        for (int i = 0; i < 20; i++)
        {
            double sigmoid = 1 / (1 + Math.Exp(-t));
            double value = t - target + span * sigmoid;
            if (value > 0)
                high = Math.Min(high, t);
            else
                low = Math.Max(low, t);
            double step = value / (1 + span * sigmoid * (1 - sigmoid));
            // Where the sigmoid bends, a Newton step can leave the bracket: bisect instead.
            double next = t - step;
            if (next <= low || next >= high)
                next = (low + high) / 2;
            if (Math.Abs(next - t) < 1e-7)
                break;
            t = next;
        }
        return limit / (1 + Math.Exp(-t));
    }
}
