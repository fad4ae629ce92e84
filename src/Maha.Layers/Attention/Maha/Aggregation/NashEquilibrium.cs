namespace Maha.Layers.Attention;

// S scales, a weights, G Gram matrix [S, S], p prices [S], tau temperature

/// <summary>Quantal response equilibrium a = softmax((2 G a - diag G - p) / tau) of the scales' game, by damped best response from uniform weights.</summary>
/// <remarks>
/// <para>The loss of player s is e_s(a) = G_ss - 2 (G a)_s + a^T G a plus its price; the last term is common to all players and cancels. An iteration costs
/// O(S^2). With G positive semidefinite each response raises the game's potential a^T G a - (diag G + p)^T a + tau H(a) (its first part is convex, and the
/// response maximizes that part's tangent), so full steps converge. A step is halved only when the residual grows, which rounding can cause.</para>
/// <para>The equilibrium is unique where tau &gt; lambda_max(G); elsewhere it is the one that is reached from uniform weights. Near a bifurcation convergence
/// stalls, which the residual and <see cref="Converged"/> show.</para>
/// </remarks>
internal sealed class NashEquilibrium
{
    // Below this pivot I - J is treated as singular, because the implicit gradient would lose more than half of its digits.
    private const double SingularPivot = 1e-6;

    // Steps shrink to no less than this, so that an iteration always moves.
    private const double LeastStep = 1.0 / 64;

    private readonly double[] _gram;
    private readonly double[] _prices;
    private readonly double _temperature;
    private readonly int _scales;
    private readonly int _available;

    /// <summary>Creates the game of one document.</summary>
    /// <param name="gram">G [S, S].</param>
    /// <param name="prices">p [S].</param>
    /// <param name="temperature">tau, positive.</param>
    /// <param name="available">The number of scales that play, the finest first; at least 1.</param>
    public NashEquilibrium(ReadOnlySpan<double> gram, ReadOnlySpan<double> prices, double temperature, int available)
    {
        _scales = prices.Length;
        _available = available;
        _gram = gram.ToArray();
        _prices = prices.ToArray();
        _temperature = temperature;
    }

    /// <summary>The largest difference between the weights and the response to them.</summary>
    public double Residual { get; private set; }

    /// <summary>The number of best responses computed.</summary>
    public int Iterations { get; private set; }

    /// <summary>Whether the residual reached the tolerance within the largest number of iterations.</summary>
    public bool Converged { get; private set; }

    /// <summary>Iterates until the tolerance or the largest number of iterations is reached.</summary>
    /// <param name="tolerance">The residual at which the game counts as solved.</param>
    /// <param name="maxIterations">The largest number of iterations, at least 1.</param>
    /// <param name="weights">Receives a [S].</param>
    /// <param name="path">Receives every iterate and its step length if it is not null, for differentiation by unrolling.</param>
    public void Solve(double tolerance, int maxIterations, Span<double> weights, List<(double[] Weights, double Step)>? path = null)
    {
        Span<double> response = stackalloc double[_scales];
        weights.Clear();
        weights[.._available].Fill(1.0 / _available);
        double step = 1, before = double.PositiveInfinity;
        for (Iterations = 1; ; Iterations++)
        {
            Respond(weights, response);
            Residual = 0;
            for (int s = 0; s < _available; s++)
            {
                double difference = Math.Abs(response[s] - weights[s]);
                Residual = difference <= Residual ? Residual : difference;
            }
            Converged = Residual <= tolerance;
            if (Converged || Iterations >= maxIterations || !double.IsFinite(Residual))
                return;
            step = Residual > before ? Math.Max(LeastStep, step / 2) : step;
            before = Residual;
            path?.Add((weights.ToArray(), step));
            for (int s = 0; s < _available; s++)
                weights[s] += step * (response[s] - weights[s]);
        }
    }

    /// <summary>
    /// Computes the gradients of G and p at the equilibrium by the implicit function theorem, or by unrolling the iteration where I - J is nearly singular or
    /// the iteration did not converge.
    /// </summary>
    /// <param name="tolerance">As in <see cref="Solve"/>, which must have been called.</param>
    /// <param name="maxIterations">As in <see cref="Solve"/>.</param>
    /// <param name="weights">The solution.</param>
    /// <param name="gradient">The gradient of the weights [S].</param>
    /// <param name="gramGradient">The gradient of G, [S, S], to which the result is added.</param>
    /// <param name="priceGradient">The gradient of p, [S], to which the result is added.</param>
    public void Backward(
        double tolerance, int maxIterations, ReadOnlySpan<double> weights, ReadOnlySpan<double> gradient, Span<double> gramGradient, Span<double> priceGradient)
    {
        Span<double> adjoint = stackalloc double[_scales];
        gradient.CopyTo(adjoint);
        if (Converged && SolveAdjoint(weights, adjoint))
        {
            PullBack(weights, weights, adjoint, gramGradient, priceGradient, adjoint);
            return;
        }

        var path = new List<(double[] Weights, double Step)>();
        Span<double> last = stackalloc double[_scales];
        Span<double> response = stackalloc double[_scales];
        Span<double> through = stackalloc double[_scales];
        Span<double> scaled = stackalloc double[_scales];
        Solve(tolerance, maxIterations, last, path);
        gradient.CopyTo(adjoint);
        for (int i = path.Count - 1; i >= 0; i--)
        {
            (double[] point, double step) = path[i];
            Respond(point, response);
            for (int s = 0; s < _scales; s++)
                scaled[s] = step * adjoint[s];
            PullBack(response, point, scaled, gramGradient, priceGradient, through);
            for (int s = 0; s < _scales; s++)
                adjoint[s] = ((1 - step) * adjoint[s]) + through[s];
        }
    }

    private void Respond(ReadOnlySpan<double> weights, Span<double> response)
    {
        double most = double.NegativeInfinity;
        for (int s = 0; s < _available; s++)
        {
            double sum = 0;
            for (int m = 0; m < _available; m++)
                sum += _gram[(s * _scales) + m] * weights[m];
            response[s] = ((2 * sum) - _gram[s * (_scales + 1)] - _prices[s]) / _temperature;
            most = Math.Max(most, response[s]);
        }
        double total = 0;
        for (int s = 0; s < _available; s++)
            total += response[s] = Math.Exp(response[s] - most);
        for (int s = 0; s < _available; s++)
            response[s] /= total;
        response[_available..].Clear();
    }

    // The gradient of one response: the softmax Jacobian (diag b - b b^T) / tau at the response b, applied to the adjoint, then that of 2 G a - diag G - p.
    private void PullBack(
        ReadOnlySpan<double> response, ReadOnlySpan<double> weights, ReadOnlySpan<double> adjoint,
        Span<double> gramGradient, Span<double> priceGradient, Span<double> weightGradient)
    {
        Span<double> w = stackalloc double[_scales];
        ApplySoftmaxJacobian(response, adjoint, w);
        weightGradient.Clear();
        for (int s = 0; s < _available; s++)
        {
            priceGradient[s] -= w[s];
            gramGradient[s * (_scales + 1)] -= w[s];
            for (int m = 0; m < _available; m++)
            {
                gramGradient[(s * _scales) + m] += 2 * w[s] * weights[m];
                weightGradient[m] += 2 * _gram[(s * _scales) + m] * w[s];
            }
        }
    }

    private void ApplySoftmaxJacobian(ReadOnlySpan<double> b, ReadOnlySpan<double> x, Span<double> result)
    {
        double mean = 0;
        for (int s = 0; s < _available; s++)
            mean += b[s] * x[s];
        for (int s = 0; s < _available; s++)
            result[s] = b[s] * (x[s] - mean) / _temperature;
    }

    // Solves (I - J)^T y = adjoint in place with J = (diag a - a a^T) 2 G / tau; false where a pivot shows that I - J is nearly singular.
    private bool SolveAdjoint(ReadOnlySpan<double> weights, Span<double> adjoint)
    {
        int n = _available;
        Span<double> matrix = stackalloc double[n * n];
        Span<double> column = stackalloc double[_scales];
        Span<double> image = stackalloc double[_scales];
        for (int s = 0; s < n; s++)
        {
            for (int m = 0; m < n; m++)
                column[m] = 2 * _gram[(m * _scales) + s];
            ApplySoftmaxJacobian(weights, column, image);
            for (int m = 0; m < n; m++)
                matrix[(s * n) + m] = (s == m ? 1 : 0) - image[m];
        }
        for (int k = 0; k < n; k++)
        {
            int best = k;
            for (int i = k + 1; i < n; i++)
                best = Math.Abs(matrix[(i * n) + k]) > Math.Abs(matrix[(best * n) + k]) ? i : best;
            if (!(Math.Abs(matrix[(best * n) + k]) > SingularPivot))
                return false;
            for (int j = 0; j < n && best != k; j++)
                (matrix[(k * n) + j], matrix[(best * n) + j]) = (matrix[(best * n) + j], matrix[(k * n) + j]);
            (adjoint[k], adjoint[best]) = (adjoint[best], adjoint[k]);
            for (int i = k + 1; i < n; i++)
            {
                double factor = matrix[(i * n) + k] / matrix[(k * n) + k];
                for (int j = k; j < n; j++)
                    matrix[(i * n) + j] -= factor * matrix[(k * n) + j];
                adjoint[i] -= factor * adjoint[k];
            }
        }
        for (int k = n - 1; k >= 0; k--)
        {
            for (int j = k + 1; j < n; j++)
                adjoint[k] -= matrix[(k * n) + j] * adjoint[j];
            adjoint[k] /= matrix[(k * n) + k];
        }
        return true;
    }
}
