using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Embedded.TorchSharp.Tests;

/// <summary>Operators of the common signatures take another way into libtorch than the rest: both must agree.</summary>
public sealed class OperatorTests
{
    private readonly Tensor _a = tensor(new double[] { 1, -2, 3 });
    private readonly Tensor _b = tensor(new double[] { 4, 5, -6 });

    [Fact]
    public void OmittedIntegerAndRealFactors_AreUnderstood()
    {
        Numbers.Equal([5, 3, -3], _a.add(_b));
        Numbers.Equal([9, 8, -9], _a.add(_b, 2));
        Numbers.Equal([3, 0.5, 0], _a.add(_b, 0.5));
        Numbers.Equal([-3, -7, 9], _a - _b);
    }

    [Fact]
    public void NumbersInPlaceOfTensors_DoNotChangeTheType()
    {
        Assert.Equal(ScalarType.Float16, (ones(2, dtype: ScalarType.Float16) + 1.5).dtype);
        Assert.Equal(ScalarType.Int64, (ones(2, dtype: ScalarType.Int64) * 2).dtype);
        Numbers.Equal([2, -4, 6], _a * 2);
    }

    [Fact]
    public void UnaryAndBinaryOperators_AreDifferentiable()
    {
        _a.requires_grad = true;
        (_a.exp() * _b).sum().backward();

        Numbers.Equal([4 * Math.Exp(1), 5 * Math.Exp(-2), -6 * Math.Exp(3)], _a.grad);
    }

    [Fact]
    public void FailedCalls_LeaveTheirTensorsAlone()
    {
        using Tensor pair = zeros(2, dtype: ScalarType.Float64);
        for (int i = 0; i < 20; i++)
        {
            Assert.Contains("size", Assert.Throws<ExternalException>(() => _a + pair).Message);
            Assert.Throws<ExternalException>(() => _a.matmul(pair));
        }

        Numbers.Equal([1, -2, 3], _a);
        Numbers.Equal([0, 0], pair);
        Numbers.Equal([2, -4, 6], _a + _a);
    }

    [Fact]
    public void ResultsOutliveTheirOperands()
    {
        Tensor sum;
        using (Tensor left = _a.clone(), right = _b.clone()) sum = left + right;

        Numbers.Equal([5, 3, -3], sum);
        sum.Dispose();
        Assert.Throws<InvalidOperationException>(() => sum + _a);
    }
}
