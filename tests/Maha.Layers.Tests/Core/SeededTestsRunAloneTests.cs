using System.Text.RegularExpressions;

namespace Maha.Layers.Tests.Core;

/// <summary>torch's generator belongs to the process: a test that runs at the same time draws from it between a seed and the numbers after it.</summary>
public partial class SeededTestsRunAloneTests
{
    [Fact]
    public void TestsThatSeedTheGenerator_RunAlone()
    {
        var seeded = Directory.GetFiles(Path.Combine(Repository.Root, "tests", "Maha.Layers.Tests"), "*Tests.cs", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(file) is not (nameof(SeededTestsRunAloneTests) + ".cs"))
            .Select(file => (Name: Path.GetFileName(file), Text: File.ReadAllText(file)))
            .Where(file => Seed().IsMatch(file.Text)).ToList();
        Assert.Contains(seeded, file => file.Name == "RandomStateScopeTests.cs");
        Assert.All(seeded, file => Assert.True(file.Text.Contains($"[Collection({nameof(AloneCollection)}.{nameof(AloneCollection.Name)})]", StringComparison.Ordinal),
            $"{file.Name} seeds torch's generator. Tests that do so must have [Collection(AloneCollection.Name)]."));
    }

    // A toy classifier draws its initial weights after a seed.
    [GeneratedRegex(@"\bmanual_seed\(|\bnew RandomStateScope\(|\bset_rng_state\(|\bToys\.Classifier\(")]
    private static partial Regex Seed();
}
