using Maha.Benchmarks.Reliability;

namespace Maha.Benchmarks.Tests.Reliability;

public sealed class KillCommandTests
{
    // The short form: one training that is killed three times, and saves.
    [Fact]
    public void KilledTrainingsAndSaves_EndAsOthers() =>
        Assert.Equal(ExitCode.Success, KillCommand.Run(["--moments", "2", "--trainings", "multiclass", "--saves", "4"]));

    [Fact]
    public void UnknownTrainings_AreRefused() => Assert.Contains(
        "--trainings must be of multiclass, network, binary, multi-label, encoder, language-model, but has 'other'",
        Assert.Throws<UsageException>(() => KillCommand.Run(["--trainings", "other"])).Message, StringComparison.Ordinal);
}
