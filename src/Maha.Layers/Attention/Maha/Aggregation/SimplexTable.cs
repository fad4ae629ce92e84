using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, R rows (problems) per document, S scales, T support (the scales with positive weight)

/// <summary>Solves the simplex programs of a batch on the tensors' own device, all rows at once.</summary>
/// <remarks>
/// <para>A document's rows share M = I + rho G, so the solutions on its 2^S - 1 supports, a_T = P_T c + b_T, form a small table (<see cref="SupportFactor"/>).
/// The solution of every row is looked up by its support, which is corrected by the negative weights and the scales that would lower the objective until no
/// condition is violated: the iteration of <see cref="SimplexProgram"/> with the same conditions and tolerance. That class solves the few rows that a fixed
/// number of corrections does not solve.</para>
/// <para>Cost: about 15 operators per correction, whatever the number of rows, and mostly 2 or 3 corrections; memory O(B (2^S + R) S^2).</para>
/// </remarks>
internal sealed class SimplexTable : IDisposable
{
    // 1023 supports of up to 10 scales: more than 100,000 tokens at the default window.
    private const int MostScales = 10;

    // Above this price a solution needs refinement, which the table does not have (see SimplexSystem).
    private const double MostRho = 10;

    // Fewer problems are solved faster on the CPU than launched on the device.
    private const int LeastRows = 64;

    private const int Corrections = 6;

    private readonly SimplexBatch _batch;
    private readonly double[] _gram;
    private readonly Tensor _matrix;
    private readonly Tensor _projections;
    private readonly Tensor _offsets;
    private readonly Tensor _members;
    private readonly Tensor _bits;
    private readonly int _scales;

    /// <summary>Computes the solutions of every document on every support.</summary>
    /// <param name="gram">G [B, S, S], float64.</param>
    /// <param name="batch">The price of redundancy, and the rows and scales per document.</param>
    public SimplexTable(Tensor gram, SimplexBatch batch)
    {
        using var scope = NewDisposeScope();
        _batch = batch;
        _scales = (int)gram.shape[1];
        int documents = (int)gram.shape[0], supports = 1 << _scales, square = _scales * _scales;
        var device = gram.device;
        _gram = gram.cpu().contiguous().data<double>().ToArray();
        double[] matrices = [.. _gram.Select((g, i) => (batch.Rho * g) + (i % square % (_scales + 1) == 0 ? 1 : 0))];
        _matrix = tensor(matrices, [documents, _scales, _scales], device: device);
        double[] projections = new double[(long)documents * supports * square];
        double[] offsets = new double[(long)documents * supports * _scales];
        KernelThreads.For(documents, get_num_threads(), document =>
        {
            for (int support = 1; support < 1 << batch.Available[document]; support++)
            {
                long entry = ((long)document * supports) + support;
                SupportFactor.Create(matrices.AsSpan(document * square, square), _scales, support).CopyTo(
                    projections.AsSpan((int)(entry * square), square), offsets.AsSpan((int)(entry * _scales), _scales), _scales);
            }
        });
        _projections = tensor(projections, [(long)documents * supports, _scales, _scales], device: device);
        _offsets = tensor(offsets, [(long)documents * supports, _scales], device: device);
        _bits = tensor([.. Enumerable.Range(0, _scales).Select(s => 1L << s)], device: device);
        bool[] members = [.. Enumerable.Range(0, supports * _scales).Select(i => (i / _scales >> (i % _scales) & 1) != 0)];
        _members = tensor(members, [supports, _scales], device: device);
        foreach (var kept in new[] { _matrix, _projections, _offsets, _bits, _members })
            kept.DetachFromDisposeScope();
    }

    /// <summary>Whether a table can solve the batch, and is faster than solving it on the CPU.</summary>
    public static bool CanSolve(Tensor linear, SimplexBatch batch) =>
        linear.shape[2] <= MostScales && batch.Rho <= MostRho && linear.shape[1] >= LeastRows;

    /// <summary>Solves all rows; residuals and steps are written to the batch.</summary>
    /// <param name="linear">c [B, R, S], float64.</param>
    /// <returns>The weights [B, R, S], 0 in rows past a document's count, and P of every row's support [B, R, S, S].</returns>
    public (Tensor Weights, Tensor Projections) Solve(Tensor linear)
    {
        using var scope = NewDisposeScope();
        long documents = linear.shape[0], rows = linear.shape[1];
        var device = linear.device;
        var available = tensor((long[])[.. _batch.Available.Select(n => (1L << n) - 1)], [documents, 1], device: device);
        var first = arange(documents, dtype: ScalarType.Int64, device: device).unsqueeze(-1) * (1L << _scales); // [B, 1]
        var usable = _members.index_select(0, available.flatten()).unsqueeze(1); // [B, 1, S]

        // A common offset of c does not change the solution but costs digits.
        var c = (linear - linear.masked_fill(usable.logical_not(), double.NegativeInfinity).amax([2]).unsqueeze(-1)).masked_fill(usable.logical_not(), 0);
        var support = available.expand(documents, rows); // [B, R] sets of bits
        if (_batch.Rows.Any(count => count < rows))
            support = support.masked_fill(TokenMasks.Invalid(_batch.Rows, rows, device), 0);
        Tensor weights = c, projections = c, gradient = c, wrong = usable;
        int step = 1;
        for (; ; step++)
        {
            var entry = (support + first).flatten();
            projections = _projections.index_select(0, entry).unflatten(0, documents, rows); // [B, R, S, S]
            weights = (projections * c.unsqueeze(2)).sum([3]) + _offsets.index_select(0, entry).unflatten(0, documents, rows);
            gradient = weights.CheckedMatmul(_matrix) - c; // [B, R, S]
            var level = (weights * gradient).sum([2], keepdim: true);
            var members = _members.index_select(0, support.flatten()).unflatten(0, documents, rows);
            var improves = gradient.lt(level - (level.abs().clamp(min: 1) * SimplexSystem.Rounding)).logical_and(usable);
            wrong = where(members, weights.gt(0).logical_not(), improves).logical_and(support.gt(0).unsqueeze(-1));
            if (step == Corrections || !wrong.any().item<bool>())
                break;
            var corrected = where(members.logical_xor(wrong), _bits, zeros_like(_bits)).sum([2]);
            support = where(corrected.eq(0), support, corrected);
        }
        var clipped = weights.clamp(min: 0);
        var solution = (clipped / clipped.sum([2], keepdim: true).clamp(min: 1e-300)).masked_fill(support.eq(0).unsqueeze(-1), 0);

        // The largest violation of the KKT conditions relative to max(1, |M a|, |c|), per document.
        var final = solution.CheckedMatmul(_matrix);
        var slope = final - c;
        var height = (solution * slope).sum([2], keepdim: true);
        var violation = where(solution.gt(0), (slope - height).abs(), (height - slope).masked_fill(usable.logical_not(), 0)).amax([2]).clamp(min: 0);
        var magnitude = maximum(final.abs().amax([2]), linear.masked_fill(usable.logical_not(), 0).abs().amax([2])).clamp(min: 1);
        var residual = (violation / magnitude).masked_fill(support.eq(0), 0).amax([1]); // [B]
        var unsolved = wrong.any(-1); // [B, R]
        double[] residuals = residual.cpu().data<double>().ToArray();
        if (step == Corrections && unsolved.any().item<bool>())
        {
            solution = SolveOneByOne(linear, unsolved, solution, residuals);
            var supports = where(solution.gt(0), _bits, zeros_like(_bits)).sum([2]);
            projections = _projections.index_select(0, (supports + first).flatten()).unflatten(0, documents, rows);
        }
        _batch.Report(residuals, [step], 1);
        return scope.MoveToOuter(solution, projections);
    }

    /// <summary>Computes the gradients by c and by G from the P of every row's support: d a = P (dc - rho dG a).</summary>
    public static (Tensor Linear, Tensor Gram) Backward(Tensor weights, Tensor projections, Tensor gradient, double rho)
    {
        using var scope = NewDisposeScope();
        var linear = (projections * gradient.unsqueeze(2)).sum([3]); // [B, R, S]; P is symmetric
        var gram = linear.transpose(1, 2).CheckedMatmul(weights) * -rho; // [B, S, S]
        return scope.MoveToOuter(linear, gram);
    }

    /// <summary>Frees the tables.</summary>
    public void Dispose()
    {
        foreach (var kept in new[] { _matrix, _projections, _offsets, _bits, _members })
            kept.Dispose();
    }

    // Solves rows with ties or with numbers that aren't finite: the program enumerates all supports, and its residual shows a row without a solution.
    private Tensor SolveOneByOne(Tensor linear, Tensor unsolved, Tensor solution, double[] residuals)
    {
        using var scope = NewDisposeScope();
        long rows = linear.shape[1];
        var places = unsolved.flatten().nonzero().flatten(); // [U]
        long[] place = places.cpu().data<long>().ToArray();
        double[] terms = linear.flatten(0, 1).index_select(0, places).cpu().contiguous().data<double>().ToArray();
        double[] solved = new double[terms.Length];
        int square = _scales * _scales;
        var programs = new Dictionary<int, SimplexProgram>();
        for (int i = 0; i < place.Length; i++)
        {
            int document = (int)(place[i] / rows);
            if (!programs.TryGetValue(document, out var program))
                programs[document] = program = new SimplexProgram(_gram.AsSpan(document * square, square), _batch.Rho, _scales, _batch.Available[document]);
            var (residual, _) = program.Solve(terms.AsSpan(i * _scales, _scales), solved.AsSpan(i * _scales, _scales));
            residuals[document] = residual <= residuals[document] ? residuals[document] : residual;
        }
        var rowsSolved = tensor(solved, [place.Length, _scales], device: linear.device); // [U, S]
        var replaced = solution.flatten(0, 1).scatter(0, places.unsqueeze(1).expand(-1, _scales), rowsSolved);
        return replaced.unflatten(0, linear.shape[0], rows).MoveToOuterDisposeScope();
    }
}
