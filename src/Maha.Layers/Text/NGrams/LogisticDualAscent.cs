namespace Maha.Layers.Text;

// n documents, C classes, m margin, a dual variable

/// <summary>
/// Fits one logistic regression a class against all others, by ascent in one dual variable after the other (Yu, Huang and Lin 2011).
/// All classes of a document are treated together, so that each of its weights is read once.
/// </summary>
/// <remarks>
/// <para>Minimizes |w|^2 / 2 + cost sum_i v_i ln(1 + exp(-y_i w x_i)), the bias among the weights, with document weights v_i. With U = cost v_i and Q = |x_i|^2 + 1 the best
/// a in (0, U) has ln(a / (U - a)) + m + Q (a - a_before) = 0. In t = ln(a / (U - a)) that is t + m - Q a_before + Q U sigmoid(t) = 0, which is smooth and has a
/// slope between 1 and 1 + Q U / 4 everywhere: nothing overflows at the ends of (0, U), where a itself can't be told from them.</para>
/// </remarks>
internal static class LogisticDualAscent
{
    /// <summary>How a model is fitted.</summary>
    /// <param name="Cost">What a document's loss weighs beside |w|^2 / 2.</param>
    /// <param name="Tolerance">It ends when the dual variables of a pass moved by less than this share of their sum.</param>
    /// <param name="MaxPasses">It ends after so many passes over the documents.</param>
    /// <param name="Seed">Of the order of the documents.</param>
    public sealed record Settings(double Cost, double Tolerance = 0.01, int MaxPasses = 30, int Seed = 0);

    private const int DocumentsPerCheck = 256;

    /// <summary>Fits.</summary>
    /// <param name="vectors">The documents' vectors.</param>
    /// <param name="labels">Their classes.</param>
    /// <param name="documentWeights">Their weights v; null for 1.</param>
    /// <param name="members">Which of them to learn from.</param>
    /// <param name="numFeatures">V.</param>
    /// <param name="numClasses">C.</param>
    /// <param name="settings">How.</param>
    /// <param name="cancellationToken">Looked for every few documents.</param>
    public static LinearModel Fit(Func<int, SparseVector> vectors, IReadOnlyList<int> labels, IReadOnlyList<float>? documentWeights, IReadOnlyList<int> members,
        int numFeatures, int numClasses, Settings settings, CancellationToken cancellationToken)
    {
        var model = new LinearModel(numFeatures, numClasses);
        int stride = model.Stride;
        // One of two classes against the other is the other against the one, with the signs turned: its numbers are those of the first.
        int ownClasses = numClasses == 2 ? 1 : numClasses;
        int[] order = [.. members];
        float[][] duals = new float[labels.Count][];
        float[] norms = new float[labels.Count];
        foreach (int row in order)
        {
            duals[row] = new float[ownClasses];
            norms[row] = 1 + vectors(row).Values.Sum(value => value * value);
        }
        Span<float> scores = new float[stride];
        Span<float> changes = new float[stride];
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
                float[] ofRow = duals[row];
                for (int c = 0; c < ownClasses; c++)
                {
                    float sign = labels[row] == c ? 1 : -1;
                    double before = ofRow[c], after = Best(sign * scores[c], before, norms[row], limit);
                    ofRow[c] = (float)after;
                    changes[c] = sign * (ofRow[c] - (float)before);
                    double step = Math.Abs(changes[c]);
                    moved += step;
                    sum += after;
                    changed |= step > 1e-6 * limit;
                }
                if (!changed)
                    continue;
                if (ownClasses < numClasses)
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

    private static double Best(double margin, double before, double norm, double limit)
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
            // A step that leaves the bracket is a long one across the bend of the sigmoid: halve the bracket instead.
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
