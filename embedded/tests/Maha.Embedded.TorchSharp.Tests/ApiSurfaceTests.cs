using Maha.Embedded.Tests;
using TorchSharp;

namespace Maha.Embedded.TorchSharp.Tests;

public sealed class ApiSurfaceTests
{
    [Fact]
    public void EveryPublicMember_ExistsInTorchSharp()
    {
        IReadOnlyList<string> differences = ApiManifest.Differences(typeof(torch).Assembly, "Api/torchsharp.tsv");

        Assert.True(differences.Count == 0, $"{differences.Count} differences from the real list:\n{string.Join("\n", differences)}");
    }

    [Fact]
    public void AMemberThatTorchSharpLacks_IsADifference()
    {
        Assert.NotEmpty(ApiManifest.Differences(typeof(ApiSurfaceTests).Assembly, "Api/torchsharp.tsv"));
    }
}
