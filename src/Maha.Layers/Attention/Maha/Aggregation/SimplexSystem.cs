using System.Runtime.CompilerServices;

namespace Maha.Layers.Attention;

// S scales, a weights on the simplex, M = I + rho G, c linear term, T support (the scales with positive weight)

/// <summary>The matrix M = I + rho G of a simplex program: the minimum on a given support, and the KKT conditions of any weights.</summary>
/// <remarks>M may have a condition number of 1e7 (rho = 1e6), so minima are refined until the residual is at rounding level.</remarks>
internal sealed class SimplexSystem
{
    /// <summary>A relative residual that rounding makes unavoidable (S * 2^-52 with a margin).</summary>
    public const double Rounding = 1e-13;

    // The supports below this number are kept in an array.
    private const int FrequentSupports = 1 << SimplexProgram.EnumerationLimit;

    private readonly double[] _matrix;
    private readonly int _scales;
    private readonly int _available;
    private readonly bool _refine;
    private readonly Dictionary<int, SupportFactor> _factors = [];
    private readonly SupportFactor?[] _frequent = new SupportFactor?[FrequentSupports];

    /// <summary>Computes the matrix.</summary>
    /// <param name="gram">G [S, S], symmetric positive semidefinite.</param>
    /// <param name="rho">The price of redundancy, at least 0.</param>
    /// <param name="scales">S.</param>
    /// <param name="available">The first this many scales may get weight; at least 1.</param>
    public SimplexSystem(ReadOnlySpan<double> gram, double rho, int scales, int available)
    {
        _scales = scales;
        _available = available;
        _matrix = new double[scales * scales];
        for (int i = 0; i < scales * scales; i++)
            _matrix[i] = (rho * gram[i]) + (i % (scales + 1) == 0 ? 1 : 0);

        // Up to this price an explicit inverse leaves a residual of a few units in the last place, and refinement would change nothing.
        _refine = rho > 10;
    }

    /// <summary>M_ss.</summary>
    public double Diagonal(int scale) => _matrix[scale * (_scales + 1)];

    /// <summary>Returns the factors of the program on a support, computed on first use.</summary>
    public SupportFactor Factor(int support)
    {
        if (support < _frequent.Length)
            return _frequent[support] ??= SupportFactor.Create(_matrix, _scales, support);
        if (!_factors.TryGetValue(support, out var factor))
            _factors[support] = factor = SupportFactor.Create(_matrix, _scales, support);
        return factor;
    }

    /// <summary>Computes the minimum on a support; its weights may be negative there and are 0 elsewhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Minimize(int support, ReadOnlySpan<double> c, Span<double> weights)
    {
        var factor = Factor(support);
        factor.Solve(c, weights);
        if (!_refine)
            return;

        // Iterative refinement: each step gains the digits that the inverse lacks, so two steps reach the level of the residual's own rounding.
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

    /// <summary>(M a - c)_s, the derivative of the objective by the weight of a scale.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public double Slope(int scale, ReadOnlySpan<double> c, ReadOnlySpan<double> weights) => Dot(_matrix.AsSpan(scale * _scales, _scales), weights) - c[scale];

    /// <summary>M a - c, and 0 for scales that are not available.</summary>
    public void Gradient(ReadOnlySpan<double> c, ReadOnlySpan<double> weights, Span<double> gradient)
    {
        for (int s = 0; s < _scales; s++)
            gradient[s] = s < _available ? Slope(s, c, weights) : 0;
    }

    /// <summary>The largest violation of stationarity, dual feasibility and primal feasibility.</summary>
    public double Residual(ReadOnlySpan<double> c, ReadOnlySpan<double> weights)
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

    /// <summary>max(1, |M a|, |c|), the measure of a relative residual.</summary>
    public double Magnitude(ReadOnlySpan<double> linear, ReadOnlySpan<double> weights)
    {
        double largest = 1;
        for (int s = 0; s < _available; s++)
            largest = Math.Max(largest, Math.Max(Math.Abs(linear[s]), Math.Abs(Dot(_matrix.AsSpan(s * _scales, _scales), weights))));
        return largest;
    }

    /// <summary>The sum of some values, in order.</summary>
    public static double Sum(ReadOnlySpan<double> values)
    {
        double sum = 0;
        foreach (double value in values)
            sum += value;
        return sum;
    }

    /// <summary>The scalar product of two vectors, in order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        double sum = 0;
        for (int i = 0; i < x.Length; i++)
            sum += x[i] * y[i];
        return sum;
    }
}
