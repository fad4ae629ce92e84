namespace Microsoft.ML.Trainers;

/// <summary>
/// sum_i weight_i * logLoss(label_i, bias + W x_i) + l2 / 2 * |W|^2 over the columns of a <see cref="SparseColumns"/>,
/// with a softmax over the classes, or the logistic function when there is one class (labels 0 and 1).
/// Parameters: one padded block of biases, then one padded block per column. Biases are not regularized.
/// </summary>
internal sealed class LogisticObjective
{
    private readonly TrainingExamples _examples;
    private readonly int _numClasses;
    private readonly double _l2;
    private readonly double[] _residuals;
    private readonly double[] _rowLoss;

    public LogisticObjective(TrainingExamples examples, SparseColumns columns, int numClasses, double l2)
    {
        _examples = examples;
        Columns = columns;
        _numClasses = numClasses;
        _l2 = l2;
        _residuals = new double[(long)columns.NumRows * columns.Stride];
        _rowLoss = new double[columns.NumRows];
    }

    public SparseColumns Columns { get; }

    /// <summary>weight * (probability - target), one padded block per row, as of the last <see cref="Evaluate"/>.</summary>
    public double[] Residuals => _residuals;

    /// <summary>The loss with its L2 term; <paramref name="gradient"/> gets its gradient.</summary>
    public double Evaluate(double[] parameters, double[] gradient)
    {
        int stride = Columns.Stride;
        Columns.Scores(parameters, _residuals, ToResiduals);
        Columns.Gradient(_residuals, gradient);
        gradient.AsSpan(0, stride).Clear();
        double loss = 0;
        for (int row = 0; row < _rowLoss.Length; row++)
        {
            loss += _rowLoss[row];
            for (int c = 0; c < _numClasses; c++)
                gradient[c] += _residuals[row * stride + c];
        }

        double norm = 0;
        for (int i = stride; i < parameters.Length; i++)
        {
            norm += parameters[i] * parameters[i];
            gradient[i] += _l2 * parameters[i];
        }

        return loss + 0.5 * _l2 * norm;
    }

    private void ToResiduals(int row)
    {
        double weight = _examples.Weight(row);
        float label = _examples.Label(row);
        var block = _residuals.AsSpan(row * Columns.Stride, Columns.Stride);
        if (_numClasses == 1)
        {
            double score = block[0];
            double target = label > 0 ? 1 : 0;
            // log(1 + exp(s)) = max(s, 0) + log(1 + exp(-|s|)) never overflows.
            double softplus = Math.Max(score, 0) + Math.Log(1 + Math.Exp(-Math.Abs(score)));
            _rowLoss[row] = weight * (softplus - target * score);
            block[0] = weight * (Math.Exp(Math.Min(score, 0)) / (1 + Math.Exp(-Math.Abs(score))) - target);
            return;
        }

        var scores = block[.._numClasses];
        double max = double.NegativeInfinity;
        foreach (double score in scores)
            max = Math.Max(max, score);
        double sum = 0;
        foreach (double score in scores)
            sum += Math.Exp(score - max);
        double logNorm = max + Math.Log(sum);
        int target1 = (int)label;
        _rowLoss[row] = weight * (logNorm - scores[target1]);
        for (int c = 0; c < scores.Length; c++)
            scores[c] = weight * (Math.Exp(scores[c] - logNorm) - (c == target1 ? 1 : 0));
        block[_numClasses..].Clear();
    }
}
