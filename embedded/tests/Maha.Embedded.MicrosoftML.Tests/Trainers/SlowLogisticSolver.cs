namespace Maha.Embedded.MicrosoftML.Tests.Trainers;

/// <summary>
/// The slow twin of the trainers' solvers: accelerated proximal gradient with restarts, dense float64, thousands of steps.
/// Rows of a softmax problem have classes 0..C-1 as labels; with one weight set labels are 0 and 1.
/// </summary>
internal sealed class SlowLogisticSolver
{
    private readonly double[][] _rows;
    private readonly int[] _labels;
    private readonly double[] _weights;
    private readonly int _sets;

    public SlowLogisticSolver(double[][] rows, int[] labels, double[] weights, int sets)
    {
        _rows = rows;
        _labels = labels;
        _weights = weights;
        _sets = sets;
    }

    /// <summary>Pairwise log losses against the label's score instead of the softmax.</summary>
    public bool Pairwise { get; init; }

    public bool NonNegative { get; init; }

    public bool RegularizeBias { get; init; }

    private int Width => _rows[0].Length + 1;

    /// <summary>sum of weighted losses + l2/2 |W|^2 + l1 |W|; parameters: per set the bias, then the weights.</summary>
    public double Objective(double[] x, double l1, double l2) => Smooth(x, l2, null) + l1 * x.Where((_, i) => Regularized(i)).Sum(Math.Abs);

    public (double Value, double[] X) Minimize(double l1, double l2, int steps = 20000)
    {
        int n = _sets * Width;
        double lipschitz = l2;
        for (int r = 0; r < _rows.Length; r++)
            lipschitz += _weights[r] * (Pairwise ? _sets : 1) * (1 + _rows[r].Sum(v => v * v)) / 2;
        double[] x = new double[n], y = new double[n], gradient = new double[n];
        double t = 1, best = double.PositiveInfinity, check = double.PositiveInfinity;
        for (int step = 0; step < steps; step++)
        {
            Smooth(y, l2, gradient);
            var next = new double[n];
            for (int i = 0; i < n; i++)
            {
                double v = y[i] - gradient[i] / lipschitz;
                if (Regularized(i))
                {
                    double limit = l1 / lipschitz;
                    v = NonNegative ? Math.Max(v - limit, 0) : Math.Sign(v) * Math.Max(Math.Abs(v) - limit, 0);
                }

                next[i] = v;
            }

            double value = Objective(next, l1, l2);
            double nextT = value > best ? 1 : (1 + Math.Sqrt(1 + 4 * t * t)) / 2;
            double momentum = value > best ? 0 : (t - 1) / nextT;
            for (int i = 0; i < n; i++)
                y[i] = next[i] + momentum * (next[i] - x[i]);
            t = nextT;
            bool settled = step % 100 == 99 && Math.Abs(check - value) <= 1e-10 * value;
            if (step % 100 == 99)
                check = value;
            best = Math.Min(best, value);
            x = next;
            if (settled)
                break;
        }

        return (Objective(x, l1, l2), x);
    }

    private bool Regularized(int i) => RegularizeBias || i % Width != 0;

    private double Smooth(double[] x, double l2, double[]? gradient)
    {
        if (gradient != null)
            Array.Clear(gradient);
        double value = 0;
        for (int r = 0; r < _rows.Length; r++)
        {
            var scores = new double[_sets];
            for (int c = 0; c < _sets; c++)
            {
                scores[c] = x[c * Width];
                for (int j = 0; j < _rows[r].Length; j++)
                    scores[c] += x[c * Width + 1 + j] * _rows[r][j];
            }

            var slope = new double[_sets];
            value += _weights[r] * Loss(scores, _labels[r], slope);
            if (gradient == null)
                continue;
            for (int c = 0; c < _sets; c++)
            {
                gradient[c * Width] += _weights[r] * slope[c];
                for (int j = 0; j < _rows[r].Length; j++)
                    gradient[c * Width + 1 + j] += _weights[r] * slope[c] * _rows[r][j];
            }
        }

        for (int i = 0; i < x.Length; i++)
        {
            if (!Regularized(i))
                continue;
            value += 0.5 * l2 * x[i] * x[i];
            if (gradient != null)
                gradient[i] += l2 * x[i];
        }

        return value;
    }

    private double Loss(double[] scores, int label, double[] slope)
    {
        if (_sets == 1)
        {
            slope[0] = 1 / (1 + Math.Exp(-scores[0])) - label;
            return Math.Log(1 + Math.Exp(label == 1 ? -scores[0] : scores[0]));
        }

        double loss = 0;
        if (Pairwise)
        {
            for (int c = 0; c < _sets; c++)
            {
                if (c == label)
                    continue;
                double margin = scores[label] - scores[c];
                loss += Math.Log(1 + Math.Exp(-margin));
                double p = 1 / (1 + Math.Exp(margin));
                slope[c] += p;
                slope[label] -= p;
            }

            return loss;
        }

        double norm = scores.Sum(Math.Exp);
        for (int c = 0; c < _sets; c++)
            slope[c] = Math.Exp(scores[c]) / norm - (c == label ? 1 : 0);
        return Math.Log(norm) - scores[label];
    }
}
