using Maha.Benchmarks.Distributed;

namespace Maha.Benchmarks.Tests.Distributed;

public sealed class DistributedCommandTests
{
    // The short form. The law itself is also tested without processes, where the layers are.
    [MpiFact]
    public void Processes_TrainTheModelOfOne_AndAKilledOneEndsAll() =>
        Assert.Equal(ExitCode.Success, DistributedCommand.Run(["--processes", "2", "--trainings", "law", "multiclass", "--kills", "1", "--faults", "other-data"]));

    [Fact]
    public void UnknownTrainings_AreRefused() => Assert.Contains(
        "--trainings must be of law, multiclass, network, binary, multi-label, encoder, language-model, but has 'other'",
        Assert.Throws<UsageException>(() => DistributedCommand.Run(["--trainings", "other"])).Message, StringComparison.Ordinal);
}
