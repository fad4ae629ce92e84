using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text;
using System.Text.RegularExpressions;

namespace Maha.Build.Tests.Packages;

public sealed class PackageTests(PackageFeed feed) : IClassFixture<PackageFeed>
{
    [Theory]
    [InlineData("Maha.Layers", "Microsoft.ML.Tokenizers OnnxSharp TorchSharp", "MIT")]
    [InlineData("Maha.MLNet", "Maha.Layers Microsoft.ML TorchSharp", "MIT")]
    [InlineData("Maha.Pretrained.MiniLM", "Maha.MLNet", "MIT AND Apache-2.0")]
    [InlineData("Maha.Documents", "AngleSharp CsvHelper Markdig Microsoft.Extensions.FileSystemGlobbing Microsoft.ML UTF.Unknown", "MIT")]
    [InlineData("Maha.Onnx", "Maha.MLNet Microsoft.ML Microsoft.ML.OnnxRuntime OnnxSharp TorchSharp", "MIT")]
    [InlineData("Maha.Extensions.AI",
        "Maha.MLNet Microsoft.Extensions.AI.Abstractions Microsoft.Extensions.DependencyInjection.Abstractions Microsoft.ML TorchSharp", "MIT")]
    public void Package_HasExactlyTheExpectedDependencies(string name, string dependencies, string license)
    {
        var metadata = feed.Metadata(name);
        Assert.Equal(dependencies.Split(' '),
            metadata.Descendants("dependency").Select(dependency => dependency.Attribute("id")!.Value).Order(StringComparer.Ordinal));
        Assert.All(metadata.Descendants("dependency").Where(dependency => dependency.Attribute("id")!.Value.StartsWith("Maha", StringComparison.Ordinal)),
            dependency => Assert.Equal(feed.Version, dependency.Attribute("version")!.Value));
        Assert.Equal(license, metadata.Element("license")!.Value);
        Assert.Equal("git", metadata.Element("repository")!.Attribute("type")!.Value);
        Assert.NotEmpty(metadata.Element("description")!.Value);
        Assert.Contains(name == "Maha.Documents" ? "mlnet" : "torchsharp", metadata.Element("tags")!.Value.Split(' '));
    }

    [Theory]
    [InlineData("Maha.Layers",
        "buildTransitive/Maha.Layers.targets lib/net10.0/Maha.Layers.dll lib/net10.0/Maha.Layers.xml tasks/netstandard2.0/Maha.LoaderFix.dll")]
    [InlineData("Maha.MLNet", "lib/net10.0/Maha.MLNet.dll lib/net10.0/Maha.MLNet.xml")]
    [InlineData("Maha.Pretrained.MiniLM", "lib/net10.0/Maha.Pretrained.MiniLM.dll lib/net10.0/Maha.Pretrained.MiniLM.xml")]
    [InlineData("Maha.Documents", "lib/net10.0/Maha.Documents.dll lib/net10.0/Maha.Documents.xml")]
    [InlineData("Maha.Onnx", "lib/net10.0/Maha.Onnx.dll lib/net10.0/Maha.Onnx.xml")]
    [InlineData("Maha.Extensions.AI", "lib/net10.0/Maha.Extensions.AI.dll lib/net10.0/Maha.Extensions.AI.xml")]
    public void Package_HasItsFiles_AndASymbolPackage(string name, string files)
    {
        Assert.Equal(files.Split(' '), feed.Files(name).Keys.Where(file => file.Contains('/')
            && !file.StartsWith("_rels", StringComparison.Ordinal) && !file.StartsWith("package/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Contains($"lib/net10.0/{name}.pdb", feed.Files(name, "snupkg").Keys);
    }

    // A package has no repository next to it that a relative link could refer to.
    [Theory]
    [InlineData("Maha.Layers")]
    [InlineData("Maha.MLNet")]
    [InlineData("Maha.Pretrained.MiniLM")]
    [InlineData("Maha.Documents")]
    [InlineData("Maha.Onnx")]
    [InlineData("Maha.Extensions.AI")]
    public void Readme_HasNoRelativeLinks(string name)
    {
        Assert.Equal("README.md", feed.Metadata(name).Element("readme")!.Value);
        string readme = Encoding.UTF8.GetString(feed.Files(name)["README.md"]);
        Assert.StartsWith($"# {name}", readme, StringComparison.Ordinal);
        Assert.All(Regex.Matches(readme, @"\]\(([^)]*)\)").Select(match => match.Groups[1].Value),
            link => Assert.StartsWith("https://", link, StringComparison.Ordinal));
    }

    [Fact]
    public void PackageOfWeights_StatesTheirOriginAndLicense()
    {
        var files = feed.Files("Maha.Pretrained.MiniLM");
        Assert.Contains("Version 2.0, January 2004", Encoding.UTF8.GetString(files["LICENSE-Apache-2.0.txt"]), StringComparison.Ordinal);
        Assert.Contains("all-MiniLM-L6-v2", Encoding.UTF8.GetString(files["NOTICE.txt"]), StringComparison.Ordinal);
        Assert.Contains("MIT License", Encoding.UTF8.GetString(files["LICENSE"]), StringComparison.Ordinal);
        // 22.6 million weights of two bytes.
        Assert.InRange(files["lib/net10.0/Maha.Pretrained.MiniLM.dll"].Length, 45_000_000, 46_000_000);
    }

    // MSBuild provides its own assemblies; any other would be missing when the task runs.
    [Fact]
    public void BuildTask_NeedsNothingButMSBuild()
    {
        using var reader = new PEReader(new MemoryStream(feed.Files("Maha.Layers")["tasks/netstandard2.0/Maha.LoaderFix.dll"]));
        var metadata = reader.GetMetadataReader();
        Assert.Equal(
            ["Microsoft.Build.Framework", "Microsoft.Build.Utilities.Core", "netstandard"],
            metadata.AssemblyReferences.Select(reference => metadata.GetString(metadata.GetAssemblyReference(reference).Name)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void AutoML_CompiledAgainstTheStandIn_IsNotPacked_AndTheReasonIsShown()
    {
        string output = feed.Pack("Maha.MLNet.AutoML");
        Assert.Contains("No package of Maha.MLNet.AutoML is made", output, StringComparison.Ordinal);
        Assert.Contains("-p:MahaAutoML=package", output, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(feed.Folder, "Maha.MLNet.AutoML*"));
    }
}
