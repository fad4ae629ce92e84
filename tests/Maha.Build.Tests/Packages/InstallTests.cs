using System.Text.RegularExpressions;
using Maha.LoaderFix;
using Fix = Maha.LoaderFix.LoaderFix;

namespace Maha.Build.Tests.Packages;

// The steps of a user: an empty console project, two packages, the program of the README.
public sealed class InstallTests(PackageFeed feed) : IClassFixture<PackageFeed>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void EmptyProject_BuildsAndRunsTheReadmesProgram_FromThePackages()
    {
        string packaged = Facts.Hash(Facts.PackagedLibrary);
        // The packages that the README says to add, before its program.
        string readme = File.ReadAllText(Path.Combine(Facts.Root, "README.md")).ReplaceLineEndings("\n");
        string steps = readme[..readme.IndexOf("```csharp", StringComparison.Ordinal)];
        WriteProject("Quick", [.. Regex.Matches(steps, @"dotnet add package (Maha\.\S+)").Select(match => match.Groups[1].Value)]);
        // The program of the README; Maha.Samples.Tests compares the two.
        File.Copy(Path.Combine(Facts.Root, "samples", "QuickStart", "Program.cs"), Path.Combine(_folder, "Program.cs"));
        WriteDocuments();

        Dotnet("build", "-c", "Release", "-nologo");
        Assert.True(Directory.Exists(Path.Combine(_folder, "packages", "maha.layers", feed.Version)));
        string[] lines = Dotnet(Path.Combine("bin", "Release", "net10.0", "Quick.dll"), "documents.tsv", "saw drill saw hammer")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.StartsWith("accuracy 1", lines[0], StringComparison.Ordinal);
        Assert.Equal("tools", lines[1]);
        Assert.True(File.Exists(Path.Combine(_folder, "model.zip")));

        Dotnet("publish", "-c", "Release", "-nologo", "--no-build", "-o", "published");
        foreach (string folder in new[] { Path.Combine("bin", "Release", "net10.0"), "published" })
        {
            foreach (string library in Directory.GetFiles(Path.Combine(_folder, folder), "libLibTorchSharp.so", SearchOption.AllDirectories))
                Assert.Equal(!FixTorchSharpLoader.SystemNeedsIt(), Fix.Needs(File.ReadAllBytes(library)));
        }
        Assert.Equal(packaged, Facts.Hash(Facts.PackagedLibrary));
    }

    // The program in the package's own README.
    [Theory]
    [InlineData("Maha.Onnx", "ONNX Runtime equals the model on 50 texts", "exported/model.onnx")]
    [InlineData("Maha.Documents", "60 documents, 0 skipped", "documents.tsv")]
    [InlineData("Maha.Extensions.AI", "2 embeddings of ", null)]
    public void EmptyProject_BuildsAndRunsTheProgramOfThePackagesReadme(string package, string expected, string? file)
    {
        WriteProject("Quick", package);
        string readme = File.ReadAllText(Path.Combine(Facts.Root, "src", package, "README.md")).ReplaceLineEndings("\n");
        int start = readme.IndexOf("```csharp\n", StringComparison.Ordinal) + "```csharp\n".Length;
        File.WriteAllText(Path.Combine(_folder, "Program.cs"), readme[start..readme.IndexOf("```", start, StringComparison.Ordinal)]);
        WriteDocuments();
        Dotnet("build", "-c", "Release", "-nologo");
        string output = Dotnet(Path.Combine("bin", "Release", "net10.0", "Quick.dll"), "documents.tsv");
        Assert.Contains(expected, output, StringComparison.Ordinal);
        Assert.True(file is null || File.Exists(Path.Combine(_folder, file)));
    }

    private void WriteProject(string name, params string[] packages)
    {
        // Maha's packages go into a folder of their own; all others are taken from the cache as they are.
        File.WriteAllText(Path.Combine(_folder, "nuget.config"), $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="packages" /></config>
              <packageSources><add key="feed" value="{feed.Folder}" /></packageSources>
              <fallbackPackageFolders><add key="cache" value="{Facts.PackageCache}" /></fallbackPackageFolders>
            </configuration>
            """);
        File.WriteAllText(Path.Combine(_folder, $"{name}.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <MahaLoaderFix>true</MahaLoaderFix>
              </PropertyGroup>
              <ItemGroup>
                {string.Concat(packages.Select(package => $"""<PackageReference Include="{package}" Version="{feed.Version}" />"""))}
                <PackageReference Include="libtorch-cpu-{Facts.RuntimeIdentifier}" Version="{Facts.LibtorchVersion}" />
              </ItemGroup>
            </Project>
            """);
    }

    private void WriteDocuments()
    {
        string[][] words = [["cat", "dog", "otter"], ["hammer", "saw", "drill"]];
        var random = new Random(1);
        File.WriteAllLines(Path.Combine(_folder, "documents.tsv"), Enumerable.Range(0, 60).Select(i =>
            $"{(i % 2 == 0 ? "animals" : "tools")}\t{string.Join(' ', Enumerable.Range(0, 8).Select(_ => words[i % 2][random.Next(3)]))}"));
    }

    private string Dotnet(params string[] arguments)
    {
        // The variable would override the folder of the configuration.
        var (exitCode, output, error) = Facts.Dotnet(_folder, arguments, ("NUGET_PACKAGES", null));
        Assert.True(exitCode == 0, output + error);
        return output;
    }
}
