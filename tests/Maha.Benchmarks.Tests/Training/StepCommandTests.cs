using Maha.Benchmarks.Training;

namespace Maha.Benchmarks.Tests.Training;

public sealed class StepCommandTests
{
    private static readonly string[] s_small =
        ["--n", "12", "--batch", "2", "--d-model", "8", "--heads", "2", "--layers", "1", "--vocab", "20", "--steps", "3", "--warmup", "1"];

    [Fact]
    public void EveryType_IsMeasured() => Assert.Equal(ExitCode.Success, StepCommand.Run([.. s_small, "--variants", "full", "hsa"]));

    [Fact]
    public void UnknownTypes_AreRefused() => Assert.Contains(
        "--types must be float32 or bfloat16, but has 'float16'",
        Assert.Throws<UsageException>(() => StepCommand.Run([.. s_small, "--types", "float16"])).Message, StringComparison.Ordinal);
}
