using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Embedded.TorchSharp.Tests;

public sealed class ClippingTests
{
    private static Parameter WithGradient(params double[] gradient)
    {
        var parameter = new Parameter(zeros(gradient.Length, dtype: ScalarType.Float64));
        parameter.grad = tensor(gradient);
        return parameter;
    }

    [Theory]
    [InlineData(2.0, 13.0)]
    [InlineData(1.0, 19.0)]
    [InlineData(3.0, 12.207054953820634)]
    [InlineData(double.PositiveInfinity, 12.0)]
    public void LargeGradients_AreScaledToTheLimit(double order, double norm)
    {
        Parameter a = WithGradient(3, -4), b = WithGradient(12), without = new(ones(2));

        double total = nn.utils.clip_grad_norm_([a, b, without], 2, order);

        Assert.Equal(norm, total, 1e-9);
        double factor = 2 / (norm + 1e-6);
        Numbers.Equal([3 * factor, -4 * factor], a.grad, 1e-9);
        Numbers.Equal([12 * factor], b.grad, 1e-9);
        Assert.Null(without.grad);
    }

    [Fact]
    public void SmallGradients_StayAsTheyAre()
    {
        Parameter a = WithGradient(3, -4);

        Assert.Equal(5, nn.utils.clip_grad_norm_([a], 6), 1e-12);
        Assert.Equal([3, -4], Numbers.Of(a.grad));
    }

    [Fact]
    public void NotANumber_IsReturned() => Assert.True(double.IsNaN(nn.utils.clip_grad_norm_([WithGradient(1, double.NaN)], 1)));

    [Fact]
    public void NoGradients_HaveNormZero() => Assert.Equal(0, nn.utils.clip_grad_norm_([new Parameter(ones(2))], 1));

    [Fact]
    public void ParametersToVector_Concatenates()
    {
        using var a = new Parameter(tensor(new double[,] { { 1, 2 }, { 3, 4 } }));
        using var b = new Parameter(tensor(new double[] { 5 }));

        Numbers.Equal([1, 2, 3, 4, 5], nn.utils.parameters_to_vector([a, b]));
    }
}
