using Maha.Benchmarks.Reliability;

namespace Maha.Benchmarks.Tests.Reliability;

public sealed class EndureCommandTests
{
    // The short form.
    [Fact]
    public void EveryCheck_IsGood() => Assert.Equal(ExitCode.Success, EndureCommand.Run(["--scale", "0.03"]));

    [Theory]
    [InlineData("--checks", "other", "--checks must be of threads, predictions, trainings, long, tiny, classes, but has 'other'")]
    [InlineData("--scale", "2", "--scale must be above 0 and at most 1, but is 2")]
    public void UnknownValues_AreRefused(string option, string value, string message) =>
        Assert.Contains(message, Assert.Throws<UsageException>(() => EndureCommand.Run([option, value])).Message, StringComparison.Ordinal);
}
