namespace Maha.MLNet.Classification.NGrams;

// n documents, C classes

/// <summary>How the logits of the n-grams and of the network become one: z = a wide + b deep with a, b at least 0.</summary>
/// <param name="Wide">a.</param>
/// <param name="Deep">b.</param>
internal readonly record struct LogitFusion(double Wide, double Deep)
{
    // The stack's logits are calibrated ones of held-out documents; a network's are of documents that it was not stopped by, and too sure.
    // The prior weighs as much as ten documents, so that a validation part of fifty is not overfitted.
    private const double PriorWide = 1;
    private const double PriorDeep = 0.5;
    private const double PriorWeight = 10;
    private const int MaxSteps = 100;

    /// <summary>What is used where nothing validates.</summary>
    public static LogitFusion Prior => new(PriorWide, PriorDeep);

    /// <summary>The logits of a document.</summary>
    public float[] Combine(IReadOnlyList<double> wide, IReadOnlyList<float> deep)
    {
        float[] logits = new float[deep.Count];
        for (int c = 0; c < logits.Length; c++)
            logits[c] = (float)(Wide * wide[c] + Deep * deep[c]);
        return logits;
    }

    /// <summary>The fusion under which the labels are likeliest: minimizes the sum of the log losses and 5 (a - 1)^2 + 5 (b - 1/2)^2, by Newton steps within the bounds.</summary>
    /// <param name="wide">n times [C], of documents that neither was fitted to.</param>
    /// <param name="deep">n times [C], likewise.</param>
    /// <param name="labels">n classes.</param>
    public static LogitFusion Fit(IReadOnlyList<double[]> wide, IReadOnlyList<float[]> deep, IReadOnlyList<int> labels)
    {
        double a = PriorWide, b = PriorDeep;
        for (int step = 0; step < MaxSteps; step++)
        {
            var (value, ga, gb, haa, hab, hbb) = Derivatives(wide, deep, labels, a, b);
            bool freeA = a > 0 || ga < 0, freeB = b > 0 || gb < 0;
            double da = 0, db = 0;
            if (freeA && freeB)
            {
                double determinant = haa * hbb - hab * hab;
                (da, db) = ((hab * gb - hbb * ga) / determinant, (hab * ga - haa * gb) / determinant);
            }
            else if (freeA)
            {
                da = -ga / haa;
            }
            else if (freeB)
            {
                db = -gb / hbb;
            }
            double length = 1, nextA = a, nextB = b;
            for (int halving = 0; halving < 40; halving++, length /= 2)
            {
                (nextA, nextB) = (Math.Max(0, a + length * da), Math.Max(0, b + length * db));
                if (Derivatives(wide, deep, labels, nextA, nextB).Value <= value)
                    break;
                (nextA, nextB) = (a, b);
            }
            bool ends = Math.Abs(nextA - a) + Math.Abs(nextB - b) < 1e-6;
            (a, b) = (nextA, nextB);
            if (ends)
                break;
        }
        return new LogitFusion(a, b);
    }

    private static (double Value, double Ga, double Gb, double Haa, double Hab, double Hbb) Derivatives(
        IReadOnlyList<double[]> wide, IReadOnlyList<float[]> deep, IReadOnlyList<int> labels, double a, double b)
    {
        double da = a - PriorWide, db = b - PriorDeep;
        double value = PriorWeight / 2 * (da * da + db * db), ga = PriorWeight * da, gb = PriorWeight * db, haa = PriorWeight, hab = 0, hbb = PriorWeight;
        for (int i = 0; i < labels.Count; i++)
        {
            double[] w = wide[i];
            float[] d = deep[i];
            double max = double.NegativeInfinity, sum = 0, meanW = 0, meanD = 0, ww = 0, wd = 0, dd = 0;
            for (int c = 0; c < w.Length; c++)
                max = Math.Max(max, a * w[c] + b * d[c]);
            for (int c = 0; c < w.Length; c++)
                sum += Math.Exp(a * w[c] + b * d[c] - max);
            for (int c = 0; c < w.Length; c++)
            {
                double p = Math.Exp(a * w[c] + b * d[c] - max) / sum;
                meanW += p * w[c];
                meanD += p * d[c];
                ww += p * w[c] * w[c];
                wd += p * w[c] * d[c];
                dd += p * d[c] * d[c];
            }
            int label = labels[i];
            value += Math.Log(sum) + max - a * w[label] - b * d[label];
            ga += meanW - w[label];
            gb += meanD - d[label];
            haa += ww - meanW * meanW;
            hab += wd - meanW * meanD;
            hbb += dd - meanD * meanD;
        }
        return (value, ga, gb, haa, hab, hbb);
    }
}
