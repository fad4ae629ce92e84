using Maha.Embedded.Tests;
using Microsoft.ML;

namespace Maha.Embedded.MicrosoftML.Tests;

public sealed class ApiSurfaceTests
{
    [Fact]
    public void EveryPublicMember_ExistsInMLNet()
    {
        // A public class has a public base, while ML.NET's is internal: nobody outside can name it.
        IReadOnlyList<string> differences = ApiManifest.Differences(typeof(MLContext).Assembly, "Api/mlnet-5.0.0.tsv", "Microsoft.ML.LoadableClassAttributeBase");

        Assert.True(differences.Count == 0, $"{differences.Count} differences from the real list:\n{string.Join("\n", differences)}");
    }

    [Fact]
    public void AMemberThatTheRealAssemblyLacks_IsADifference()
    {
        Assert.NotEmpty(ApiManifest.Differences(typeof(ApiSurfaceTests).Assembly, "Api/mlnet-5.0.0.tsv"));
    }
}
