namespace Maha.Layers.Text;

// n documents, C classes, F features = blocks of C

/// <summary>A softmax regression over standardized features, which come in blocks of one number per class.</summary>
/// <remarks>
/// With at most <see cref="MaxFullClasses"/> classes, each class has a weight for each feature. With more, as in model files before format 3, a class reads
/// only its own number of each block, and all classes share the weights of the blocks: z_c = sum_k u_k f_kc + b_c.
/// </remarks>
internal sealed class StackingModel
{
    public const int MaxFullClasses = 32;

    // Scores are about 1 in magnitude: a feature that varies less than this over all documents says nothing about a new one.
    private const double SmallestDeviation = 1e-3;

    /// <param name="numClasses">C.</param>
    /// <param name="numBlocks">F / C.</param>
    public StackingModel(int numClasses, int numBlocks)
    {
        NumClasses = numClasses;
        NumBlocks = numBlocks;
        Mean = new double[NumFeatures];
        Scale = new double[NumFeatures];
        Parameters = new double[(IsFull ? NumFeatures * numClasses : numBlocks) + numClasses];
        Array.Fill(Scale, 1);
    }

    public int NumClasses { get; }

    public int NumBlocks { get; }

    public int NumFeatures => NumClasses * NumBlocks;

    public bool IsFull => NumClasses <= MaxFullClasses;

    /// <summary>The means that are subtracted from the features, [F].</summary>
    public double[] Mean { get; }

    /// <summary>The factors that multiply the differences, [F].</summary>
    public double[] Scale { get; }

    /// <summary>The weights, [F, C] or [blocks], then the biases, [C].</summary>
    public double[] Parameters { get; }

    /// <summary>Computes the logits of features that are not standardized, [C].</summary>
    public double[] Logits(ReadOnlySpan<double> features)
    {
        double[] standardized = new double[features.Length], logits = new double[NumClasses];
        Standardize(features, standardized);
        Logits(Parameters, standardized, logits);
        return logits;
    }

    /// <summary>
    /// Fits a model: minimizes sum_i v_i cross entropy_i + |weights - expected|^2 / 2 + |biases - ln prior|^2 / 2. The expected weights average
    /// a class's own numbers of some blocks: that is the prediction if the documents say nothing else.
    /// </summary>
    /// <param name="features">The features of each document, [n, F].</param>
    /// <param name="labels">The class of each document.</param>
    /// <param name="documentWeights">The weight v of each document.</param>
    /// <param name="members">The documents to fit to.</param>
    /// <param name="expectedBlocks">The blocks that the expected weights average.</param>
    /// <param name="logPrior">The logarithm of each class's share, [C].</param>
    /// <param name="start">A model near the minimum to start from, which saves time; null for the expected weights. The minimum is unique.</param>
    /// <param name="parallel">The number of threads and the cancellation.</param>
    public static StackingModel Fit(
        IReadOnlyList<double[]> features, IReadOnlyList<int> labels, IReadOnlyList<double> documentWeights, IReadOnlyList<int> members,
        IReadOnlyList<int> expectedBlocks, double[] logPrior, StackingModel? start, ParallelOptions parallel)
    {
        int numClasses = logPrior.Length, numFeatures = features[members[0]].Length, count = members.Count;
        var model = new StackingModel(numClasses, numFeatures / numClasses);
        for (int f = 0; f < numFeatures; f++)
        {
            double mean = 0, variance = 0;
            foreach (int row in members)
                mean += features[row][f] / count;
            foreach (int row in members)
                variance += (features[row][f] - mean) * (features[row][f] - mean) / count;
            (model.Mean[f], model.Scale[f]) = (mean, 1 / (Math.Sqrt(variance) + SmallestDeviation));
        }
        double[][] standardized = [.. members.Select(row =>
        {
            double[] values = new double[numFeatures];
            model.Standardize(features[row], values);
            return values;
        })];
        double[] expected = new double[model.Parameters.Length];
        foreach (int block in expectedBlocks)
        {
            for (int c = 0; c < numClasses; c++)
                expected[(block * numClasses + c) * numClasses + c] = 1 / (expectedBlocks.Count * model.Scale[block * numClasses + c]);
        }

        logPrior.CopyTo(expected, expected.Length - numClasses);
        (start?.Parameters ?? expected).CopyTo(model.Parameters, 0);
        // A constant number of parts, whatever the number of threads: the order of the sums, and so the result, is always the same.
        const int parts = 32;
        double[][] gradients = new double[parts][];
        double[] losses = new double[parts];
        double[] Gradient(double[] parameters, out double value)
        {
            Parallel.For(0, parts, parallel, part =>
            {
                double[] gradient = gradients[part] ??= new double[parameters.Length], logits = new double[numClasses];
                Array.Clear(gradient);
                double loss = 0;
                for (int i = (int)((long)count * part / parts); i < (long)count * (part + 1) / parts; i++)
                {
                    model.Logits(parameters, standardized[i], logits);
                    loss += model.AddGradient(standardized[i], logits, labels[members[i]], documentWeights[members[i]], gradient);
                }
                losses[part] = loss;
            });
            double[] total = new double[parameters.Length];
            value = losses.Sum();
            foreach (double[] gradient in gradients)
            {
                for (int i = 0; i < total.Length; i++)
                    total[i] += gradient[i];
            }

            for (int i = 0; i < total.Length; i++)
            {
                double moved = parameters[i] - expected[i];
                total[i] += moved;
                value += moved * moved / 2;
            }
            return total;
        }
        QuasiNewton.Minimize(Gradient, model.Parameters, 1e-4 * Math.Max(1, count / 1000.0));
        return model;
    }

    /// <summary>Computes the derivative of a combination of the logits, v z, with respect to the features that are not standardized, [F].</summary>
    /// <param name="direction">v, [C].</param>
    public double[] Gradient(ReadOnlySpan<double> direction)
    {
        double[] gradient = new double[NumFeatures];
        for (int f = 0; f < gradient.Length; f++)
        {
            double sum = 0;
            for (int c = 0; IsFull && c < NumClasses; c++)
                sum += direction[c] * Parameters[f * NumClasses + c];
            gradient[f] = Scale[f] * (IsFull ? sum : direction[f % NumClasses] * Parameters[f / NumClasses]);
        }
        return gradient;
    }

    private void Standardize(ReadOnlySpan<double> features, Span<double> standardized)
    {
        for (int f = 0; f < features.Length; f++)
            standardized[f] = (features[f] - Mean[f]) * Scale[f];
    }

    private void Logits(double[] parameters, ReadOnlySpan<double> standardized, Span<double> logits)
    {
        parameters.AsSpan(parameters.Length - NumClasses).CopyTo(logits);
        for (int f = 0; f < standardized.Length; f++)
        {
            double value = standardized[f];
            if (IsFull)
            {
                var weights = parameters.AsSpan(f * NumClasses, NumClasses);
                for (int c = 0; c < weights.Length; c++)
                    logits[c] += value * weights[c];
            }
            else
            {
                logits[f % NumClasses] += value * parameters[f / NumClasses];
            }
        }
    }

    // Adds the gradient of one document's loss, and returns the loss. Overwrites the logits with their derivatives.
    private double AddGradient(ReadOnlySpan<double> standardized, Span<double> logits, int label, double documentWeight, Span<double> gradient)
    {
        double max = double.NegativeInfinity, sum = 0, ofLabel = logits[label];
        foreach (double logit in logits)
            max = Math.Max(max, logit);
        foreach (ref double logit in logits)
            sum += logit = Math.Exp(logit - max);
        for (int c = 0; c < logits.Length; c++)
            logits[c] = documentWeight * (logits[c] / sum - (c == label ? 1 : 0));
        for (int f = 0; f < standardized.Length; f++)
        {
            double value = standardized[f];
            if (IsFull)
            {
                var ofFeature = gradient.Slice(f * NumClasses, NumClasses);
                for (int c = 0; c < ofFeature.Length; c++)
                    ofFeature[c] += value * logits[c];
            }
            else
            {
                gradient[f / NumClasses] += value * logits[f % NumClasses];
            }
        }
        var biases = gradient[^NumClasses..];
        for (int c = 0; c < biases.Length; c++)
            biases[c] += logits[c];
        return documentWeight * (Math.Log(sum) - (ofLabel - max));
    }
}
