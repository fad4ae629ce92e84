using Maha.Layers.Training;


namespace Maha.Layers.Tests.Training;

public class LearningRateScheduleTests
{
    [Fact]
    public void Rates_AreTheClosedForm()
    {
        // 20 steps, 5 of them warm-up, peak 2, floor 0.1 * 2
        var schedule = new LearningRateSchedule(2, 0.1, 0.25, 20);
        double[] expected =
        [
            0.4, 0.8, 1.2, 1.6, 2.0,
            .. Enumerable.Range(0, 15).Select(i => 0.2 + 1.8 * Math.Pow(Math.Cos(Math.PI / 2 * i / 14), 2)),
        ];
        for (int step = 0; step < 20; step++)
            Assert.Equal(expected[step], schedule.RateAt(step), 1e-12);
        Assert.Equal(0.2, schedule.RateAt(19), 1e-12);
    }

    [Fact]
    public void LinearDecay_IsAStraightLine_FromThePeakToTheFloor()
    {
        // 20 steps, 5 of them warm-up, peak 2, floor 0.1 * 2
        var schedule = new LearningRateSchedule(2, 0.1, 0.25, 20, LearningRateDecay.Linear);
        double[] expected = [0.4, 0.8, 1.2, 1.6, 2.0, .. Enumerable.Range(0, 15).Select(i => 2 - (1.8 * i / 14))];
        for (int step = 0; step < 20; step++)
            Assert.Equal(expected[step], schedule.RateAt(step), 1e-12);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0, 2)]
    [InlineData(0.5, 1)]
    [InlineData(0.5, 2)]
    [InlineData(1, 1)]
    [InlineData(1, 7)]
    [InlineData(0.1, 3)]
    [InlineData(0.1, 1000)]
    public void Rates_StayAboveZeroAndReachThePeak(double warmupFraction, long totalSteps)
    {
        var schedule = new LearningRateSchedule(3, 0.05, warmupFraction, totalSteps);
        double highest = 0;
        for (long step = 0; step < totalSteps; step++)
        {
            Assert.InRange(schedule.RateAt(step), 1e-12, 3);
            highest = Math.Max(highest, schedule.RateAt(step));
        }
        Assert.Equal(3, highest, 1e-12);
    }

    [Fact]
    public void StepsBeyondTheEstimate_HaveTheRateOfTheLastStep()
    {
        foreach (var decay in Enum.GetValues<LearningRateDecay>())
        {
            var schedule = new LearningRateSchedule(3, 0, 0.1, 100, decay);
            foreach (long step in new[] { 100, 101, 1000 })
                Assert.Equal(schedule.RateAt(99), schedule.RateAt(step), 1e-12);
        }
    }
}
