using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace Maha.Embedded.TorchSharp.Tests;

public sealed class OptimizerTests
{
    // The third parameter is larger than what one call of the list operators takes together.
    private static readonly int[] s_sizes = [5, 7, 70_000, 3];
    private const int Steps = 4;

    private readonly Parameter[] _parameters = [.. s_sizes.Select((n, i) => new Parameter(tensor(Numbers.Sequence(n, i))))];
    private readonly OptimizerTwin[] _twins = [.. s_sizes.Select((n, i) => new OptimizerTwin(Numbers.Sequence(n, i)))];
    private readonly double[][] _slopes = [.. s_sizes.Select((n, i) => Numbers.Sequence(n, 100 + i))];

    // The loss sum of slope * p^2, so the gradient is 2 slope p. The last parameter has none at odd steps.
    private void Backward(int step)
    {
        for (int i = 0; i < _parameters.Length; i++)
        {
            if (Skipped(i, step))
            {
                _parameters[i].grad = null;
                continue;
            }
            using var scope = NewDisposeScope();
            (_parameters[i] * _parameters[i] * tensor(_slopes[i])).sum().backward();
        }
    }

    private static bool Skipped(int parameter, int step) => parameter == s_sizes.Length - 1 && step % 2 == 1;

    private void Follow(Optimizer optimizer, Action<OptimizerTwin, double[], int> update)
    {
        for (int step = 0; step < Steps; step++)
        {
            optimizer.zero_grad();
            Backward(step);
            Assert.Null(optimizer.step());
            for (int i = 0; i < _twins.Length; i++)
            {
                if (Skipped(i, step)) continue;
                double[] gradient = [.. _twins[i].Parameter.Select((p, k) => 2 * _slopes[i][k] * p)];
                update(_twins[i], gradient, i);
            }
            for (int i = 0; i < _twins.Length; i++) Numbers.Equal(_twins[i].Parameter, _parameters[i]);
        }
    }

    [Theory]
    [InlineData(0, false, false)]
    [InlineData(0.1, false, false)]
    [InlineData(0.1, true, false)]
    [InlineData(0.1, false, true)]
    public void Adam_EqualsItsTwin(double decay, bool amsgrad, bool maximize)
    {
        using Adam optimizer = Adam(_parameters, 0.05, 0.8, 0.95, 1e-6, decay, amsgrad, maximize);

        Follow(optimizer, (twin, g, _) => twin.Adam(g, 0.05, 0.8, 0.95, 1e-6, decay, amsgrad, maximize, decoupled: false));
    }

    [Theory]
    [InlineData(0, false, false)]
    [InlineData(0.1, false, false)]
    [InlineData(0.1, true, false)]
    [InlineData(0.1, false, true)]
    public void AdamW_EqualsItsTwin(double decay, bool amsgrad, bool maximize)
    {
        using AdamW optimizer = AdamW(_parameters, 0.05, 0.8, 0.95, 1e-6, decay, amsgrad, maximize);

        Follow(optimizer, (twin, g, _) => twin.Adam(g, 0.05, 0.8, 0.95, 1e-6, decay, amsgrad, maximize, decoupled: true));
    }

    [Theory]
    [InlineData(0, 0, 0, false, false)]
    [InlineData(0.9, 0, 0, false, false)]
    [InlineData(0.9, 0.3, 0.1, false, false)]
    [InlineData(0.9, 0, 0.1, true, false)]
    [InlineData(0.9, 0, 0.1, false, true)]
    public void Sgd_EqualsItsTwin(double momentum, double dampening, double decay, bool nesterov, bool maximize)
    {
        using SGD optimizer = SGD(_parameters, 0.02, momentum, dampening, decay, nesterov, maximize);

        Follow(optimizer, (twin, g, _) => twin.Sgd(g, 0.02, momentum, dampening, decay, nesterov, maximize));
    }

    [Fact]
    public void Groups_UseTheirOwnOptions_AndTheDefaultsOtherwise()
    {
        using AdamW optimizer = AdamW(
            [
                new AdamW.ParamGroup(_parameters[..2], new AdamW.Options { weight_decay = 0.2, LearningRate = 0.01 }),
                new AdamW.ParamGroup { Parameters = _parameters[2..] },
            ], lr: 0.03, beta1: 0.7, weight_decay: 0);

        Follow(optimizer, (twin, g, i) => twin.Adam(g, i < 2 ? 0.01 : 0.03, 0.7, 0.999, 1e-8, i < 2 ? 0.2 : 0, false, false, decoupled: true));
        Assert.Equal([0.01, 0.03], optimizer.ParamGroups.Select(g => g.LearningRate));
        Assert.Equal((0.7, 0.999), optimizer.Betas);
    }

    [Fact]
    public void LearningRate_CanBeChangedBetweenSteps()
    {
        using SGD optimizer = SGD(_parameters, 0.02);
        double rate = 0.02;

        Follow(optimizer, (twin, g, i) =>
        {
            twin.Sgd(g, rate, 0, 0, 0, false, false);
            if (i == _parameters.Length - 1) SetRate(optimizer, rate /= 2);
            else if (i == _parameters.Length - 2 && rate != optimizer.ParamGroups.Single().LearningRate) SetRate(optimizer, rate);
        });
    }

    private static void SetRate(Optimizer optimizer, double rate)
    {
        foreach (var group in optimizer.ParamGroups) group.LearningRate = rate;
    }

    [Fact]
    public void SinglePrecision_StaysNearTheTwin()
    {
        using var parameter = new Parameter(tensor(Numbers.Sequence(1000, 1)).to(ScalarType.Float32));
        var twin = new OptimizerTwin(Numbers.Of(parameter));
        using AdamW optimizer = AdamW([parameter], 0.01, weight_decay: 0.1);
        for (int step = 0; step < 20; step++)
        {
            optimizer.zero_grad();
            using (var scope = NewDisposeScope()) (parameter * parameter).sum().backward();
            twin.Adam([.. twin.Parameter.Select(p => 2 * p)], 0.01, 0.9, 0.999, 1e-8, 0.1, false, false, decoupled: true);
            optimizer.step();
        }

        Numbers.Equal(twin.Parameter, Numbers.Of(parameter), 20 * Numbers.Float32Tolerance);
    }

    [Fact]
    public void Closure_IsEvaluatedWithGradients_AndItsLossReturned()
    {
        using SGD optimizer = SGD(_parameters, 0.02);
        using (no_grad())
        {
            using Tensor? loss = optimizer.step(() =>
            {
                optimizer.zero_grad();
                Tensor value = (_parameters[0] * _parameters[0]).sum();
                value.backward();
                return value;
            });
            Assert.Equal(Numbers.Sequence(5, 0).Sum(v => v * v), loss!.item<double>(), 1e-12);
        }
        Numbers.Equal([.. Numbers.Sequence(5, 0).Select(v => v - 0.04 * v)], _parameters[0]);
    }

    [Fact]
    public void ZeroGrad_KeepsTheGradientTensorsAndClearsThem()
    {
        using Adam optimizer = Adam(_parameters);
        Backward(0);
        using Tensor? gradient = _parameters[0].grad;

        optimizer.zero_grad();

        Assert.All(Numbers.Of(gradient), v => Assert.Equal(0, v));
        Assert.Equal(gradient!.Handle, _parameters[0].grad!.Handle);
    }

    [Theory]
    [InlineData(-0.1, 0.9, 0.999, 1e-8, 0)]
    [InlineData(double.NaN, 0.9, 0.999, 1e-8, 0)]
    [InlineData(0.1, 1, 0.999, 1e-8, 0)]
    [InlineData(0.1, 0.9, -0.1, 1e-8, 0)]
    [InlineData(0.1, 0.9, 0.999, -1, 0)]
    [InlineData(0.1, 0.9, 0.999, 1e-8, -1)]
    public void ImpossibleAdamOptions_Throw(double lr, double beta1, double beta2, double eps, double decay)
    {
        Assert.Throws<ArgumentException>(() => Adam(_parameters, lr, beta1, beta2, eps, decay));
        Assert.Throws<ArgumentException>(() => AdamW(_parameters, lr, beta1, beta2, eps, decay));
    }

    [Fact]
    public void ImpossibleSgdOptions_Throw()
    {
        Assert.Throws<ArgumentException>(() => SGD(_parameters, -1));
        Assert.Throws<ArgumentException>(() => SGD(_parameters, 1, momentum: -1));
        Assert.Throws<ArgumentException>(() => SGD(_parameters, 1, weight_decay: -1));
        Assert.Throws<ArgumentException>(() => SGD(_parameters, 1, nesterov: true));
        Assert.Throws<ArgumentException>(() => SGD(_parameters, 1, momentum: 0.9, dampening: 0.1, nesterov: true));
    }

    [Fact]
    public void StepWithoutGradients_ChangesNothing()
    {
        using AdamW optimizer = AdamW(_parameters, weight_decay: 0.5);

        optimizer.step();

        for (int i = 0; i < s_sizes.Length; i++) Numbers.Equal(Numbers.Sequence(s_sizes[i], i), _parameters[i]);
    }

    [Fact]
    public void NamedParameters_AreTakenToo()
    {
        using Optimizer a = Adam([("x", _parameters[0])]), b = AdamW([("x", _parameters[0])]), c = SGD([("x", _parameters[0])], 0.1);

        Assert.All([a, b, c], o => Assert.Same(_parameters[0], o.parameters().Single()));
    }
}
