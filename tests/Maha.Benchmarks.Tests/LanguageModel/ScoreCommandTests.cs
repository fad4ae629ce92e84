using Maha.Benchmarks.Generation;

namespace Maha.Benchmarks.Tests.LanguageModel;

public sealed class ScoreCommandTests
{
    // The short form.
    [Fact]
    public void ScoresAreLinearInTime_AndEqualThoseOfContextsReadAlone() => Assert.Equal(ExitCode.Success, ScoreCommand.Run(
        ["--kb", "16", "--doublings", "1", "--variants", "hsa-causal", "maha", "--d-model", "16", "--heads", "2", "--layers", "1", "--vocab", "300", "--context", "64"]));

    [Fact]
    public void AnUnknownVariant_IsRefused() =>
        Assert.Contains("'other'", Assert.Throws<UsageException>(() => ScoreCommand.Run(["--variants", "other"])).Message, StringComparison.Ordinal);
}
