using Maha.Layers.Attention;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

/// <summary>The table of solutions, computed on the device of the tensors, against the solver of single rows.</summary>
public class SimplexTableTests
{
    [Theory]
    [InlineData(1, 1, 1.0, 1.0)]
    [InlineData(2, 70, 0.0, 2.0)]
    [InlineData(3, 130, 0.5, 0.1)]
    [InlineData(5, 200, 1.0, 3.0)]
    [InlineData(8, 300, 10.0, 1.0)]
    [InlineData(8, 300, 1.0, 100.0)]
    public void Solution_EqualsRowByRow_ValuesAndGradients(int scales, int rows, double rho, double spread)
    {
        using var scope = NewDisposeScope();
        var (linear, gram) = Problem(scales, rows, spread);
        int[] counts = [rows, rows / 2, 1], available = [scales, Math.Max(1, scales - 1), 1];
        var expected = Run(counts, available, linear, gram, rho, table: false);
        var actual = Run(counts, available, linear, gram, rho, table: true);
        SeededTensors.Near(expected.Weights, actual.Weights, 1e-11, "weights");
        SeededTensors.Near(expected.ByLinear, actual.ByLinear, 1e-10, "gradient by the linear term");
        SeededTensors.Near(expected.ByGram, actual.ByGram, 1e-9, "gradient by the Gram matrix");
        Assert.All(actual.Batch.Residuals, residual => Assert.InRange(residual, 0, 1e-11));
    }

    [Fact]
    public void EqualUtilitiesAndEqualScales_GiveEqualWeights()
    {
        using var scope = NewDisposeScope();
        var linear = zeros([2, 80, 4], ScalarType.Float64);
        var gram = ones([2, 4, 4], ScalarType.Float64);
        var batch = new SimplexBatch(1, [80, 80], [4, 4]);
        using var table = new SimplexTable(gram, batch);
        var (weights, _) = table.Solve(linear);
        Assert.All(SeededTensors.Values(weights), weight => Assert.Equal(0.25, weight, 1e-12));
        Assert.All(batch.Residuals, residual => Assert.InRange(residual, 0, 1e-12));
    }

    [Fact]
    public void NaN_AffectsTheResidualOfItsOwnDocumentOnly()
    {
        using var scope = NewDisposeScope();
        var (linear, gram) = Problem(3, 90, 1);
        using (no_grad())
            linear[1, 7, 0] = double.NaN;
        var batch = new SimplexBatch(1, [90, 90, 90], [3, 3, 3]);
        using var table = new SimplexTable(gram, batch);
        var (weights, _) = table.Solve(linear);
        Assert.True(double.IsNaN(batch.Residuals[1]));
        Assert.InRange(batch.Residuals[0], 0, 1e-11);
        Assert.InRange(batch.Residuals[2], 0, 1e-11);
        Assert.Equal(3, SeededTensors.Values(weights).Count(double.IsNaN));
    }

    private static (Tensor Weights, Tensor ByLinear, Tensor ByGram, SimplexBatch Batch) Run(int[] counts, int[] available, Tensor linear,
        Tensor gram, double rho, bool table)
    {
        var batch = new SimplexBatch(rho, counts, available);
        var incoming = SeededTensors.Random(3, ScalarType.Float64, linear.shape);
        if (table)
        {
            using var solver = new SimplexTable(gram, batch);
            var (weights, projections) = solver.Solve(linear);
            var (byLinear, byGram) = SimplexTable.Backward(weights, projections, incoming, rho);
            return (weights, byLinear, byGram, batch);
        }
        var (c, g) = (linear.clone().requires_grad_(), gram.clone().requires_grad_());
        var solution = SimplexFunction.Apply(c, g, batch);
        solution.backward([incoming]);
        return (solution.detach(), c.grad!, g.grad!, batch);
    }

    private static (Tensor Linear, Tensor Gram) Problem(int scales, int rows, double spread)
    {
        var factors = SeededTensors.Random(1, ScalarType.Float64, 3, scales, 2 * scales);
        return (SeededTensors.Random(2, ScalarType.Float64, 3, rows, scales) * spread, factors.matmul(factors.transpose(1, 2)) / (2.0 * scales));
    }
}
