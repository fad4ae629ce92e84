namespace Maha.Layers.Text;

/// <summary>Minimizes a smooth convex function by limited-memory BFGS (Nocedal and Wright 2006, algorithm 7.5) with backtracking.</summary>
internal static class QuasiNewton
{
    private const int History = 10;
    private const int MaxSteps = 300;
    private const int MaxHalvings = 40;

    /// <summary>Computes the gradient and the value at a point.</summary>
    public delegate double[] Function(double[] point, out double value);

    /// <summary>Moves a point to the minimum.</summary>
    /// <param name="function">The function to minimize.</param>
    /// <param name="point">The starting point; on return, the minimum.</param>
    /// <param name="tolerance">The search ends when no element of the gradient is larger in magnitude.</param>
    public static void Minimize(Function function, double[] point, double tolerance)
    {
        var steps = new List<(double[] Step, double[] GradientChange, double Curvature)>();
        double[] gradient = function(point, out double value);
        for (int step = 0; step < MaxSteps && gradient.Max(Math.Abs) > tolerance; step++)
        {
            double[] direction = Direction(gradient, steps);
            double slope = Dot(direction, gradient);
            double length = step == 0 ? Math.Min(1, 1 / Math.Sqrt(Dot(gradient, gradient))) : 1;
            double[] next = [];
            double[] nextGradient = [];
            double nextValue = double.NaN;
            int halvings = 0;
            for (; halvings < MaxHalvings; halvings++, length /= 2)
            {
                next = [.. point.Zip(direction, (x, d) => x + length * d)];
                nextGradient = function(next, out nextValue);
                if (nextValue <= value + 1e-4 * length * slope)
                    break;
            }
            if (halvings == MaxHalvings)
                return; // no smaller value within rounding
            double[] moved = [.. next.Zip(point, (a, b) => a - b)];
            double[] gradientChange = [.. nextGradient.Zip(gradient, (a, b) => a - b)];
            double curvature = Dot(moved, gradientChange);
            if (curvature > 1e-12 * Dot(gradientChange, gradientChange))
            {
                steps.Add((moved, gradientChange, curvature));
                if (steps.Count > History)
                    steps.RemoveAt(0);
            }
            next.CopyTo(point, 0);
            (gradient, value) = (nextGradient, nextValue);
        }
    }

    private static double[] Direction(double[] gradient, List<(double[] Step, double[] GradientChange, double Curvature)> steps)
    {
        double[] direction = [.. gradient.Select(g => -g)];
        double[] factors = new double[steps.Count];
        for (int i = steps.Count - 1; i >= 0; i--)
        {
            factors[i] = Dot(steps[i].Step, direction) / steps[i].Curvature;
            Add(direction, steps[i].GradientChange, -factors[i]);
        }
        if (steps.Count > 0)
        {
            double scale = steps[^1].Curvature / Dot(steps[^1].GradientChange, steps[^1].GradientChange);
            foreach (ref double part in direction.AsSpan())
                part *= scale;
        }
        for (int i = 0; i < steps.Count; i++)
            Add(direction, steps[i].Step, factors[i] - Dot(steps[i].GradientChange, direction) / steps[i].Curvature);
        return direction;
    }

    private static void Add(double[] target, double[] source, double factor)
    {
        for (int i = 0; i < target.Length; i++)
            target[i] += factor * source[i];
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }
}
