using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;
using static TorchSharp.torch.optim.lr_scheduler;

namespace Maha.Embedded.TorchSharp.Tests;

public sealed class SchedulerTests
{
    private const double Rate = 0.5;
    private const double Tolerance = 1e-12;

    private readonly SGD _optimizer = SGD([new SGD.ParamGroup([new Parameter(ones(1))], lr: Rate), new SGD.ParamGroup([new Parameter(ones(1))], lr: 2 * Rate)], Rate);

    private void Follows(LRScheduler scheduler, Func<int, double> factor, int epochs = 12)
    {
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            double[] rates = [.. _optimizer.ParamGroups.Select(g => g.LearningRate)];
            Assert.Equal(Rate * factor(epoch), rates[0], Tolerance);
            Assert.Equal(2 * Rate * factor(epoch), rates[1], Tolerance);
            Assert.Equal(rates, scheduler.get_last_lr());
            scheduler.step();
        }
    }

    [Fact]
    public void LambdaLR_IsTheFunction() => Follows(LambdaLR(_optimizer, e => 1.0 / (1 + e)), e => 1.0 / (1 + e));

    [Fact]
    public void LambdaLR_TakesAFunctionPerGroup()
    {
        var scheduler = new impl.LambdaLR(_optimizer, [e => e, e => 3 * e]);
        scheduler.step();
        scheduler.step();

        Assert.Equal([2 * Rate, 6 * 2 * Rate], scheduler.get_last_lr());
    }

    [Fact]
    public void StepLR_FallsEveryFewEpochs() => Follows(StepLR(_optimizer, 3, 0.2), e => Math.Pow(0.2, e / 3));

    [Fact]
    public void CosineAnnealingLR_IsHalfACosine_DownAndUpAgain() =>
        Follows(CosineAnnealingLR(_optimizer, 5), e => (1 + Math.Cos(Math.PI * e / 5)) / 2);

    [Fact]
    public void CosineAnnealingLR_EndsAtItsMinimum()
    {
        LRScheduler scheduler = CosineAnnealingLR(_optimizer, 4, eta_min: 0.1);
        for (int i = 0; i < 4; i++) scheduler.step();

        Assert.All(scheduler.get_last_lr(), rate => Assert.Equal(0.1, rate, Tolerance));
    }

    [Fact]
    public void LinearLR_RisesToItsEndAndStays() => Follows(LinearLR(_optimizer, 0.25, 1, 4), e => Math.Min(1, 0.25 + 0.75 * e / 4));

    [Fact]
    public void LinearLR_HasTorchSharpsTwoDefaultEnds()
    {
        var scheduler = new impl.LinearLR(_optimizer);
        for (int i = 0; i < 9; i++) scheduler.step();
        Assert.Equal(Rate, scheduler.get_last_lr().First(), Tolerance);
    }

    [Fact]
    public void SequentialLR_WarmsUpAndThenFalls()
    {
        LRScheduler warmUp = LinearLR(_optimizer, 0.1, 1, 4), fall = CosineAnnealingLR(_optimizer, 8);
        LRScheduler scheduler = SequentialLR(_optimizer, [warmUp, fall], [4]);
        // After the warm-up the second scheduler begins at its epoch 0, with the full rate.
        double Factor(int epoch) => epoch < 4 ? 0.1 + 0.9 * epoch / 4 : (1 + Math.Cos(Math.PI * (epoch - 4) / 8)) / 2;

        var seen = new List<double>();
        for (int epoch = 0; epoch < 12; epoch++)
        {
            seen.Add(_optimizer.ParamGroups.First().LearningRate);
            scheduler.step();
        }

        for (int epoch = 0; epoch < 12; epoch++) Assert.Equal(Rate * Factor(epoch), seen[epoch], Tolerance);
    }

    [Fact]
    public void SequentialLR_RefusesAWrongNumberOfMilestones_AndForeignSchedulers()
    {
        LRScheduler own = StepLR(_optimizer, 1), foreign = StepLR(SGD([new Parameter(ones(1))], 1), 1);

        Assert.Throws<ArgumentException>(() => SequentialLR(_optimizer, [own], [4]));
        Assert.Throws<ArgumentException>(() => SequentialLR(_optimizer, [own, foreign], [4]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(11)]
    public void SteppingToAnEpoch_GivesTheClosedForm(int epoch)
    {
        void Jumps(LRScheduler scheduler, double factor)
        {
            scheduler.step(epoch);
            Assert.Equal(Rate * factor, scheduler.get_last_lr().First(), Tolerance);
            foreach (var group in _optimizer.ParamGroups) group.LearningRate = group.InitialLearningRate;
        }

        Jumps(StepLR(_optimizer, 2, 0.3), Math.Pow(0.3, epoch / 2));
        Jumps(CosineAnnealingLR(_optimizer, 7), (1 + Math.Cos(Math.PI * epoch / 7)) / 2);
        Jumps(LinearLR(_optimizer, 0.5, 1, 6), 0.5 + 0.5 * Math.Min(6, epoch) / 6);
    }

    [Fact]
    public void Metric_IsIgnored()
    {
        LRScheduler scheduler = StepLR(_optimizer, 1, 0.5);
        scheduler.step(123.0);

        Assert.Equal(Rate / 2, scheduler.get_last_lr().First(), Tolerance);
    }

    [Fact]
    public void NullOptimizer_Throws() => Assert.Throws<ArgumentNullException>(() => StepLR(null, 1));
}
