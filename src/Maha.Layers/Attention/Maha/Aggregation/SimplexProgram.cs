using System.Runtime.CompilerServices;

namespace Maha.Layers.Attention;

// S scales, a weights on the simplex, M = I + rho G, c linear term, T support (the scales with positive weight)

/// <summary>Exact solver of min over the simplex of 1/2 a^T (I + rho G) a - c^T a for one G and many c.</summary>
/// <remarks>
/// <para>The programme is strictly convex, so the point that satisfies the KKT conditions is the only solution.
/// rho = 0: projection on the simplex by sorting (sparsemax). S up to <see cref="EnumerationLimit"/>: the support of the last solution is tried first
/// (neighboring tokens mostly share it), then all 2^S - 1. Above: active set in the manner of Lawson and Hanson, which reaches the exact minimum
/// on a support at every step and lowers the objective each time, so it visits no support twice: at most 2^S - 1 steps, in practice about S.</para>
/// <para>M may have a condition number of 1e7 (rho = 1e6): solutions are refined until the residual is at rounding level.
/// Slow twin: the grid and the pairwise-exchange search in the tests.</para>
/// </remarks>
internal sealed class SimplexProgram
{
    /// <summary>Largest number of scales whose supports are enumerated: 31 candidates.</summary>
    public const int EnumerationLimit = 5;

    // A relative residual at which no further candidate or refinement can do better than rounding (S * 2^-52 with room).
    private const double Rounding = 1e-13;

    // Supports that follow from the last one before the enumeration starts.
    private const int Corrections = 5;

    private readonly double[] _matrix;
    private readonly int _scales;
    private readonly int _available;
    private readonly bool _identity;
    private readonly bool _refine;
    private readonly Dictionary<int, SupportFactor> _factors = [];
    private readonly SupportFactor?[] _frequent = new SupportFactor?[1 << EnumerationLimit];
    private int _lastSupport;

    /// <summary>Prepares the programme of one document.</summary>
    /// <param name="gram">G [S, S], symmetric positive semidefinite.</param>
    /// <param name="rho">Price of redundancy, at least 0.</param>
    /// <param name="scales">S.</param>
    /// <param name="available">The first this many scales may get weight; at least 1.</param>
    public SimplexProgram(ReadOnlySpan<double> gram, double rho, int scales, int available)
    {
        _scales = scales;
        _available = available;
        _identity = rho == 0;
        _matrix = new double[scales * scales];
        for (int i = 0; i < scales * scales; i++)
            _matrix[i] = (rho * gram[i]) + (i % (scales + 1) == 0 ? 1 : 0);
        _lastSupport = (1 << available) - 1;

        // Up to this size an explicit inverse leaves a residual of a few units in the last place, and refining would change nothing.
        _refine = rho > 10;
    }

    /// <summary>Solves for one linear term.</summary>
    /// <param name="linear">c [S].</param>
    /// <param name="weights">Receives a [S]: nonnegative, sum 1, exactly 0 outside the support.</param>
    /// <returns>The relative KKT residual and the number of supports tried.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public (double Residual, int Steps) Solve(ReadOnlySpan<double> linear, Span<double> weights)
    {
        // A common offset of c changes nothing but costs digits.
        Span<double> c = stackalloc double[_scales];
        double most = double.NegativeInfinity;
        for (int s = 0; s < _available; s++)
            most = Math.Max(most, linear[s]);
        for (int s = 0; s < _available; s++)
            c[s] = linear[s] - most;
        c[_available..].Clear();

        int steps;
        if (!double.IsFinite(Sum(c)))
        {
            // No solution exists; the residual says so and the caller sees it.
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
        return (Residual(c, weights) / Magnitude(linear, weights), steps);
    }

    /// <summary>Largest violation of the KKT conditions relative to max(1, |M a|, |c|), of any weights.</summary>
    public double RelativeResidual(ReadOnlySpan<double> linear, ReadOnlySpan<double> weights) => Residual(linear, weights) / Magnitude(linear, weights);

    /// <summary>Pulls a gradient back through the solution: linearGradient = P_T gradient_T, the exact derivative by c on the solution's support.</summary>
    public void Backward(ReadOnlySpan<double> weights, ReadOnlySpan<double> gradient, Span<double> linearGradient)
    {
        int support = 0;
        for (int s = 0; s < _available; s++)
            support |= weights[s] > 0 ? 1 << s : 0;
        linearGradient.Clear();
        Factor(support).AddProjected(gradient, linearGradient);
    }

    private static double Sum(ReadOnlySpan<double> values)
    {
        double sum = 0;
        foreach (double value in values)
            sum += value;
        return sum;
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

        // The last solution's support, corrected a few times by what it violates, is mostly the answer; the enumeration finds it in any case.
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

        // Rounding hides the boundary between supports (ties, large rho): take the candidate that comes nearest.
        double least = double.PositiveInfinity;
        for (int support = 1; support <= all; support++)
        {
            steps++;
            SolveOn(support, c, weights);
            double violation = Residual(c, weights) / Magnitude(c, weights);
            if (violation < least)
            {
                least = violation;
                best = support;
            }
        }
        _lastSupport = best;
        SolveOn(best, c, weights);
        Clip(weights);
        return steps;
    }

    // Whether the minimum on a support is positive there and no other scale would lower the objective: then it is the solution.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    // Corrected is the support without its negative weights and with the scales that would.
    private bool Satisfies(int support, ReadOnlySpan<double> c, Span<double> weights, out int corrected)
    {
        SolveOn(support, c, weights);
        int first = int.TrailingZeroCount(support);
        double level = Dot(_matrix.AsSpan(first * _scales, _scales), weights) - c[first], tolerance = Rounding * Math.Max(1, Math.Abs(level));
        corrected = support;
        for (int s = 0; s < _available; s++)
        {
            bool member = (support >> s & 1) != 0;
            bool wrong = member ? !(weights[s] > 0) : Dot(_matrix.AsSpan(s * _scales, _scales), weights) - c[s] < level - tolerance;
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
        SolveOn(support, c, weights);
        if (!Positive(support, weights))
        {
            support = 1 << Cheapest(c);
            SolveOn(support, c, weights);
        }
        for (; steps < cap; steps++)
        {
            // The weights are the exact minimum on their support: add the scale that the objective wants most, if any.
            Gradient(c, weights, gradient);
            double level = Dot(weights, gradient), tolerance = Rounding * Magnitude(c, weights);
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
            SolveOn(support, c, target);
            while (!Positive(support, target))
            {
                // Walk from the feasible weights towards the target until a weight reaches 0, and drop it.
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
                SolveOn(support, c, target);
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

    private SupportFactor Factor(int support)
    {
        if (support < _frequent.Length)
            return _frequent[support] ??= SupportFactor.Of(_matrix, _scales, support);
        if (!_factors.TryGetValue(support, out var factor))
            _factors[support] = factor = SupportFactor.Of(_matrix, _scales, support);
        return factor;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void SolveOn(int support, ReadOnlySpan<double> c, Span<double> weights)
    {
        var factor = Factor(support);
        factor.Solve(c, weights);
        if (!_refine)
            return;

        // Iterative refinement: each step gains the digits that the inverse lacks, so two reach the level of the residual's own rounding.
        Span<double> residual = stackalloc double[_scales];
        for (int step = 0; step < 2; step++)
        {
            Gradient(c, weights, residual);
            double mean = 0, spread = 0;
            foreach (int s in factor.Members)
                mean += residual[s] / factor.Members.Length;
            foreach (int s in factor.Members)
            {
                residual[s] = mean - residual[s];
                spread = Math.Max(spread, Math.Abs(residual[s]));
            }
            if (spread <= Rounding * Magnitude(c, weights))
                return;
            factor.AddProjected(residual, weights);
        }
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

    private int Cheapest(ReadOnlySpan<double> c)
    {
        int best = 0;
        for (int s = 1; s < _available; s++)
        {
            if ((_matrix[s * (_scales + 1)] / 2) - c[s] < (_matrix[best * (_scales + 1)] / 2) - c[best])
                best = s;
        }
        return best;
    }

    private void Gradient(ReadOnlySpan<double> c, ReadOnlySpan<double> weights, Span<double> gradient)
    {
        for (int s = 0; s < _scales; s++)
            gradient[s] = s < _available ? Dot(_matrix.AsSpan(s * _scales, _scales), weights) - c[s] : 0;
    }

    // Largest violation of stationarity, dual feasibility and primal feasibility.
    private double Residual(ReadOnlySpan<double> c, ReadOnlySpan<double> weights)
    {
        Span<double> gradient = stackalloc double[_scales];
        Gradient(c, weights, gradient);
        double level = Dot(weights, gradient), worst = Math.Abs(Sum(weights) - 1);
        for (int s = 0; s < _available; s++)
        {
            double violation = weights[s] > 0 ? Math.Abs(gradient[s] - level) : level - gradient[s];
            worst = Math.Max(worst, Math.Max(violation, -weights[s]));
        }
        return worst;
    }

    private double Magnitude(ReadOnlySpan<double> linear, ReadOnlySpan<double> weights)
    {
        double largest = 1;
        for (int s = 0; s < _available; s++)
            largest = Math.Max(largest, Math.Max(Math.Abs(linear[s]), Math.Abs(Dot(_matrix.AsSpan(s * _scales, _scales), weights))));
        return largest;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
            sum += x[i] * y[i];
        return sum;
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
        double sum = Sum(weights);
        for (int s = 0; s < weights.Length; s++)
            weights[s] /= sum;
    }
}
