using Maha.Benchmarks.Classification;

namespace Maha.Benchmarks.Tests.Classification;

public sealed class NGramsCommandTests
{
    [Fact]
    public void UnknownFamily_IsRefused_WithTheNamesOfAll()
    {
        var problem = Assert.Throws<UsageException>(() => NGramsCommand.Run(["--family", "templates", "nothing"]));
        Assert.Contains("templates, ", problem.Message, StringComparison.Ordinal);
        Assert.Contains("'nothing'", problem.Message, StringComparison.Ordinal);
    }
}
