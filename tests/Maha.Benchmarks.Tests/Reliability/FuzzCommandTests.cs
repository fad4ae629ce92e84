using Maha.Benchmarks.Reliability;

namespace Maha.Benchmarks.Tests.Reliability;

public sealed class FuzzCommandTests
{
    // The short form.
    [Theory]
    [InlineData("multiclass")]
    [InlineData("weights")]
    [InlineData("checkpoint")]
    public void ChangedFiles_AreRefused(string kind) => Assert.Equal(ExitCode.Success, FuzzCommand.Run(["--mutations", "60", "--kinds", kind, "--seed", "3"]));

    [Fact]
    public void UnknownKinds_AreRefused() => Assert.Contains(
        "--kinds must be of multiclass, network, binary, multi-label, encoder, language-model, weights, checkpoint, but has 'other'",
        Assert.Throws<UsageException>(() => FuzzCommand.Run(["--kinds", "other"])).Message, StringComparison.Ordinal);
}
