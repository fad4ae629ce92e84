using System.Runtime.CompilerServices;

namespace Maha.Layers.Attention;

// S scales, a weights on the simplex, M = I + rho G, c linear term, T support (the scales with positive weight)

/// <summary>Exact solver of min over the simplex of 1/2 a^T (I + rho G) a - c^T a for one G and many c.</summary>
/// <remarks>
/// <para>The program is strictly convex, so the point that satisfies the KKT conditions is the only solution.
/// rho = 0: projection on the simplex by sorting (sparsemax). S up to <see cref="EnumerationLimit"/>: the support of the last solution is tried first
/// (neighboring tokens mostly share it), then all 2^S - 1. Above: an active-set method (Lawson and Hanson), which reaches the exact minimum
/// on a support at every step and lowers the objective each time, so it visits no support twice: at most 2^S - 1 steps, in practice about S.</para>
/// <para>The tests compare it with a grid and with a pairwise-exchange search.</para>
/// </remarks>
internal sealed class SimplexProgram
{
    /// <summary>The largest number of scales whose supports are enumerated: 31 candidates.</summary>
    public const int EnumerationLimit = 5;

    // The number of supports that are derived from the last one before the enumeration starts.
    private const int Corrections = 5;

    private readonly SimplexSystem _system;
    private readonly int _scales;
    private readonly int _available;
    private readonly bool _identity;
    private int _lastSupport;

    /// <summary>Creates the program of one document.</summary>
    /// <param name="gram">G [S, S], symmetric positive semidefinite.</param>
    /// <param name="rho">The price of redundancy, at least 0.</param>
    /// <param name="scales">S.</param>
    /// <param name="available">The first this many scales may get weight; at least 1.</param>
    public SimplexProgram(ReadOnlySpan<double> gram, double rho, int scales, int available)
    {
        _scales = scales;
        _available = available;
        _identity = rho == 0;
        _system = new SimplexSystem(gram, rho, scales, available);
        _lastSupport = (1 << available) - 1;
    }

    /// <summary>Solves for one linear term.</summary>
    /// <param name="linear">c [S].</param>
    /// <param name="weights">Receives a [S]: nonnegative, sum 1, exactly 0 outside the support.</param>
    /// <returns>The relative KKT residual and the number of supports tried.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public (double Residual, int Steps) Solve(ReadOnlySpan<double> linear, Span<double> weights)
    {
        // A common offset of c does not change the solution but costs digits.
        Span<double> c = stackalloc double[_scales];
        double most = double.NegativeInfinity;
        for (int s = 0; s < _available; s++)
            most = Math.Max(most, linear[s]);
        for (int s = 0; s < _available; s++)
            c[s] = linear[s] - most;
        c[_available..].Clear();

        int steps;
        if (!double.IsFinite(SimplexSystem.Sum(c)))
        {
            // There is no solution; the residual shows it.
            weights.Fill(double.NaN);
            return (double.NaN, 0);
        }
        if (_identity)
        {
            Sparsemax(c[.._available], weights);
            steps = 1;
        }
        else
        {
            steps = _available <= EnumerationLimit ? Enumerate(c, weights) : ActiveSet(c, weights);
        }
        return (_system.Residual(c, weights) / _system.Magnitude(linear, weights), steps);
    }

    /// <summary>The largest violation of the KKT conditions by any weights, relative to max(1, |M a|, |c|).</summary>
    public double RelativeResidual(ReadOnlySpan<double> linear, ReadOnlySpan<double> weights) =>
        _system.Residual(linear, weights) / _system.Magnitude(linear, weights);

    /// <summary>Computes the gradient of c: linearGradient = P_T gradient_T, the exact derivative by c on the solution's support.</summary>
    public void Backward(ReadOnlySpan<double> weights, ReadOnlySpan<double> gradient, Span<double> linearGradient)
    {
        int support = 0;
        for (int s = 0; s < _available; s++)
            support |= weights[s] > 0 ? 1 << s : 0;
        linearGradient.Clear();
        _system.Factor(support).AddProjected(gradient, linearGradient);
    }

    // Held, Wolfe and Crowder 1974: the threshold is found among the sorted values.
    private static void Sparsemax(ReadOnlySpan<double> c, Span<double> weights)
    {
        Span<double> sorted = stackalloc double[c.Length];
        c.CopyTo(sorted);
        sorted.Sort();
        double sum = 0, threshold = 0;
        for (int n = 1; n <= c.Length; n++)
        {
            double value = sorted[c.Length - n];
            double candidate = (sum + value - 1) / n;
            if (value <= candidate)
                break;
            sum += value;
            threshold = candidate;
        }
        weights.Clear();
        for (int s = 0; s < c.Length; s++)
            weights[s] = Math.Max(0, c[s] - threshold);
        Normalize(weights);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Enumerate(ReadOnlySpan<double> c, Span<double> weights)
    {
        int all = (1 << _available) - 1, best = 0, steps = 0;

        // The last solution's support, corrected a few times by its violations, is mostly the solution; the enumeration finds it in any case.
        int guess = _lastSupport;
        for (int n = 1 - Corrections; n <= all; n++)
        {
            int support = n <= 0 ? guess : n;
            steps++;
            if (Satisfies(support, c, weights, out guess))
            {
                _lastSupport = support;
                Clip(weights);
                return steps;
            }
        }

        // Rounding hides the boundary between supports (ties, large rho): take the candidate with the smallest violation.
        double least = double.PositiveInfinity;
        for (int support = 1; support <= all; support++)
        {
            steps++;
            _system.Minimize(support, c, weights);
            double violation = _system.Residual(c, weights) / _system.Magnitude(c, weights);
            if (violation < least)
            {
                least = violation;
                best = support;
            }
        }
        _lastSupport = best;
        _system.Minimize(best, c, weights);
        Clip(weights);
        return steps;
    }

    // Whether the minimum on a support is positive there and no other scale would lower the objective: then it is the solution.
    // The corrected support leaves out the scales with negative weights and includes those that would lower the objective.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool Satisfies(int support, ReadOnlySpan<double> c, Span<double> weights, out int corrected)
    {
        _system.Minimize(support, c, weights);
        int first = int.TrailingZeroCount(support);
        double level = _system.Slope(first, c, weights), tolerance = SimplexSystem.Rounding * Math.Max(1, Math.Abs(level));
        corrected = support;
        for (int s = 0; s < _available; s++)
        {
            bool member = (support >> s & 1) != 0;
            bool wrong = member ? !(weights[s] > 0) : _system.Slope(s, c, weights) < level - tolerance;
            corrected ^= wrong ? 1 << s : 0;
        }
        bool satisfied = corrected == support;
        corrected = corrected == 0 ? support : corrected;
        return satisfied;
    }

    private int ActiveSet(ReadOnlySpan<double> c, Span<double> weights)
    {
        Span<double> target = stackalloc double[_scales];
        Span<double> gradient = stackalloc double[_scales];
        int support = _lastSupport, cap = (1 << _available) - 1, steps = 1;
        _system.Minimize(support, c, weights);
        if (!Positive(support, weights))
        {
            support = 1 << Cheapest(c);
            _system.Minimize(support, c, weights);
        }
        for (; steps < cap; steps++)
        {
            // The weights are the exact minimum on their support: add the scale that lowers the objective most, if any.
            _system.Gradient(c, weights, gradient);
            double level = SimplexSystem.Dot(weights, gradient), tolerance = SimplexSystem.Rounding * _system.Magnitude(c, weights);
            int entering = -1;
            for (int s = 0; s < _available; s++)
            {
                if ((support >> s & 1) == 0 && gradient[s] < level - tolerance && (entering < 0 || gradient[s] < gradient[entering]))
                    entering = s;
            }
            if (entering < 0)
                break;
            int before = support;
            support |= 1 << entering;
            _system.Minimize(support, c, target);
            while (!Positive(support, target))
            {
                // Move from the feasible weights towards the target until a weight reaches 0, and remove its scale.
                double length = 1;
                int leaving = -1;
                for (int s = 0; s < _available; s++)
                {
                    if ((support >> s & 1) == 0 || target[s] > 0)
                        continue;
                    double step = weights[s] / (weights[s] - target[s]);
                    if (leaving < 0 || step < length)
                        (length, leaving) = (Math.Min(1, Math.Max(0, double.IsNaN(step) ? 0 : step)), s);
                }
                for (int s = 0; s < _available; s++)
                    weights[s] += length * (target[s] - weights[s]);
                weights[leaving] = 0;
                support &= ~(1 << leaving);
                _system.Minimize(support, c, target);
            }
            target.CopyTo(weights);

            // Only rounding can bring the same support back: the entering scale's gain is below what double can resolve.
            if (support == before)
                break;
        }
        _lastSupport = support;
        Clip(weights);
        return steps;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool Positive(int support, ReadOnlySpan<double> weights)
    {
        for (int s = 0; s < _available; s++)
        {
            if ((support >> s & 1) != 0 && !(weights[s] > 0))
                return false;
        }
        return true;
    }

    // The scale whose weight alone has the lowest objective.
    private int Cheapest(ReadOnlySpan<double> c)
    {
        int best = 0;
        for (int s = 1; s < _available; s++)
        {
            if ((_system.Diagonal(s) / 2) - c[s] < (_system.Diagonal(best) / 2) - c[best])
                best = s;
        }
        return best;
    }

    // A weight of -1e-17 is a 0 that was rounded.
    private static void Clip(Span<double> weights)
    {
        for (int s = 0; s < weights.Length; s++)
            weights[s] = Math.Max(0, weights[s]);
        Normalize(weights);
    }

    private static void Normalize(Span<double> weights)
    {
        double sum = SimplexSystem.Sum(weights);
        for (int s = 0; s < weights.Length; s++)
            weights[s] /= sum;
    }
}
