using Maha.Layers.Core;

namespace Maha.Layers.Tests.Core;

public sealed class DurationsTests
{
    [Theory]
    [InlineData(0.25)]
    [InlineData(1e6)]
    public void ShortOnes_AreExact(double seconds) => Assert.Equal(seconds, Durations.FromSeconds(seconds).TotalSeconds);

    [Theory]
    [InlineData(1e12)]
    [InlineData(1e300)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NaN)]
    public void OnesThatNoTimeSpanHolds_AreTheLongest(double seconds) => Assert.Equal(TimeSpan.MaxValue, Durations.FromSeconds(seconds));
}
