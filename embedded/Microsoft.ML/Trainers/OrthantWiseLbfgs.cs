using System.Numerics;

namespace Microsoft.ML.Trainers;

/// <summary>
/// OWL-QN (Andrew and Gao 2007): limited-memory BFGS for f(x) + l1 * |x| over the coordinates from
/// <c>regularizedFrom</c> on, in float64. Without l1 it is plain L-BFGS. With <c>nonNegative</c> those coordinates
/// are kept at or above zero by the same projection, the only orthant being the positive one.
/// </summary>
internal sealed class OrthantWiseLbfgs
{
    private const double SufficientDecrease = 1e-4;

    // More halvings only chase rounding: 2^-40 of a quasi-Newton step is far below float64 precision of the loss.
    private const int MaxHalvings = 40;

    private readonly Func<double[], double[], double> _function;
    private readonly double _l1;
    private readonly int _regularizedFrom;
    private readonly int _historySize;
    private readonly bool _nonNegative;

    public OrthantWiseLbfgs(Func<double[], double[], double> function, double l1, int regularizedFrom, int historySize, bool nonNegative)
    {
        _function = function;
        _l1 = l1;
        _regularizedFrom = regularizedFrom;
        _historySize = historySize;
        _nonNegative = nonNegative;
    }

    /// <summary>Iterations done so far, over all calls of <see cref="Minimize"/>.</summary>
    public int Iterations { get; private set; }

    /// <summary>
    /// Minimizes from <paramref name="x"/> on, in place, and returns the value reached. Stops when the mean
    /// improvement (weights 1, 1/4, 1/16, ... backwards) is below <paramref name="tolerance"/>, when no step improves,
    /// or after <paramref name="maxIterations"/>. <paramref name="report"/> is called after each iteration.
    /// </summary>
    public double Minimize(double[] x, double tolerance, int maxIterations, Action<double> report)
    {
        const double Forget = 0.25;
        int n = x.Length;
        var gradient = new double[n];
        var next = new double[n];
        var nextGradient = new double[n];
        var steepest = new double[n];
        var direction = new double[n];
        var steps = new Queue<(double[] Step, double[] Change, double Rho)>();
        double value = Evaluate(x, gradient);
        double meanImprovement = 0, normalizer = 0;
        for (int iteration = 1; iteration <= maxIterations; iteration++)
        {
            SteepestDescent(x, gradient, steepest);
            if (!TryQuasiNewton(steepest, steps, direction))
                return value;
            if (!TrySearch(x, value, steepest, direction, steps.Count == 0, next, nextGradient, out double nextValue))
            {
                // Curvature pairs gone stale are the usual reason; steepest descent decides whether x is the optimum.
                if (steps.Count == 0)
                    return value;
                steps.Clear();
                continue;
            }

            Iterations++;
            Remember(steps, x, next, gradient, nextGradient);
            double improvement = value - nextValue;
            meanImprovement = improvement + Forget * meanImprovement;
            normalizer = 1 + Forget * normalizer;
            next.CopyTo(x, 0);
            nextGradient.CopyTo(gradient, 0);
            value = nextValue;
            report(value);
            if (meanImprovement / normalizer < tolerance * Math.Min(1, Math.Abs(value)))
                return value;
        }

        return value;
    }

    private double Evaluate(double[] x, double[] gradient)
    {
        double value = _function(x, gradient);
        if (_l1 > 0)
        {
            double norm = 0;
            for (int i = _regularizedFrom; i < x.Length; i++)
                norm += Math.Abs(x[i]);
            value += _l1 * norm;
        }

        if (!double.IsFinite(value))
            throw new InvalidOperationException("The training loss is not finite. Look for extreme feature values, or scale the features.");
        return value;
    }

    // The negative of the subgradient of least norm.
    private void SteepestDescent(double[] x, double[] gradient, double[] steepest)
    {
        for (int i = 0; i < x.Length; i++)
        {
            double g = gradient[i];
            if (i < _regularizedFrom)
                steepest[i] = -g;
            else if (_nonNegative)
                steepest[i] = x[i] > 0 ? -(g + _l1) : Math.Max(-(g + _l1), 0);
            else if (x[i] != 0)
                steepest[i] = -(g + _l1 * Math.Sign(x[i]));
            else
                steepest[i] = -Math.Sign(g) * Math.Max(Math.Abs(g) - _l1, 0);
        }
    }

    private bool TryQuasiNewton(double[] steepest, Queue<(double[] Step, double[] Change, double Rho)> steps, double[] direction)
    {
        steepest.CopyTo(direction, 0);
        var pairs = steps.ToArray();
        var alpha = new double[pairs.Length];
        for (int i = pairs.Length - 1; i >= 0; i--)
        {
            alpha[i] = pairs[i].Rho * Dot(pairs[i].Step, direction);
            AddMultiple(-alpha[i], pairs[i].Change, direction);
        }

        if (pairs.Length > 0)
        {
            var last = pairs[^1];
            double scale = 1 / (last.Rho * Dot(last.Change, last.Change));
            for (int i = 0; i < direction.Length; i++)
                direction[i] *= scale;
        }

        for (int i = 0; i < pairs.Length; i++)
            AddMultiple(alpha[i] - pairs[i].Rho * Dot(pairs[i].Change, direction), pairs[i].Step, direction);

        // Each regularized coordinate moves only the way its steepest descent goes.
        double slope = 0;
        for (int i = 0; i < direction.Length; i++)
        {
            if (i >= _regularizedFrom && (_l1 > 0 || _nonNegative) && direction[i] * steepest[i] <= 0)
                direction[i] = 0;
            slope += direction[i] * steepest[i];
        }

        if (slope > 0)
            return true;
        steepest.CopyTo(direction, 0);
        steps.Clear();
        return Dot(direction, direction) > 0;
    }

    private bool TrySearch(double[] x, double value, double[] steepest, double[] direction, bool first,
        double[] next, double[] nextGradient, out double nextValue)
    {
        double size = first ? Math.Min(1, 1 / Math.Sqrt(Dot(direction, direction))) : 1;
        for (int halving = 0; halving < MaxHalvings; halving++, size /= 2)
        {
            double predicted = 0;
            for (int i = 0; i < x.Length; i++)
            {
                next[i] = x[i] + size * direction[i];
                if (i >= _regularizedFrom && LeavesOrthant(x[i], next[i], steepest[i]))
                    next[i] = 0;
                predicted += steepest[i] * (next[i] - x[i]);
            }

            nextValue = Evaluate(next, nextGradient);
            if (predicted > 0 && nextValue <= value - SufficientDecrease * predicted && nextValue < value)
                return true;
        }

        nextValue = value;
        return false;
    }

    private bool LeavesOrthant(double from, double to, double steepest)
    {
        if (_nonNegative)
            return to < 0;
        return _l1 > 0 && to * (from != 0 ? from : steepest) < 0;
    }

    private void Remember(Queue<(double[] Step, double[] Change, double Rho)> steps, double[] x, double[] next, double[] gradient, double[] nextGradient)
    {
        bool full = steps.Count == _historySize;
        var (step, change, _) = full ? steps.Dequeue() : (new double[x.Length], new double[x.Length], 0);
        for (int i = 0; i < x.Length; i++)
        {
            step[i] = next[i] - x[i];
            change[i] = nextGradient[i] - gradient[i];
        }

        double curvature = Dot(step, change);
        if (curvature > 1e-12 * Dot(change, change))
            steps.Enqueue((step, change, 1 / curvature));
    }

    private static double Dot(double[] a, double[] b)
    {
        int width = Vector<double>.Count;
        int i = 0;
        var sums = Vector<double>.Zero;
        for (; i <= a.Length - width; i += width)
            sums += new Vector<double>(a, i) * new Vector<double>(b, i);
        double sum = Vector.Sum(sums);
        for (; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    private static void AddMultiple(double factor, double[] source, double[] target)
    {
        int width = Vector<double>.Count;
        int i = 0;
        for (; i <= source.Length - width; i += width)
            (new Vector<double>(target, i) + factor * new Vector<double>(source, i)).CopyTo(target, i);
        for (; i < source.Length; i++)
            target[i] += factor * source[i];
    }
}
