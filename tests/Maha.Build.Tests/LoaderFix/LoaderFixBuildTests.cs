using Fix = Maha.LoaderFix.LoaderFix;

namespace Maha.Build.Tests.LoaderFix;

// Builds a program with the targets that users get, and a file that stands for one in the package cache.
public sealed class LoaderFixBuildTests : IDisposable
{
    private const string Links = "-p:CreateSymbolicLinksForCopyLocalIfPossible=true";
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public LoaderFixBuildTests()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "cache"));
        File.Copy(Facts.PackagedLibrary, Cached);
        File.WriteAllText(Path.Combine(_folder, "Program.cs"), "System.Console.WriteLine();");
        File.WriteAllText(Path.Combine(_folder, "Fixed.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <MahaLoaderFixAssembly>{Path.Combine(Facts.Root, "eng", "LoaderFix", "bin", Facts.Configuration, "netstandard2.0", "Maha.LoaderFix.dll")}</MahaLoaderFixAssembly>
              </PropertyGroup>
              <Target Name="AddLibrary" AfterTargets="ResolveAssemblyReferences">
                <ItemGroup>
                  <ReferenceCopyLocalPaths Include="cache/libLibTorchSharp.so" DestinationSubDirectory="runtimes/linux-x64/native/" />
                </ItemGroup>
              </Target>
              <Import Project="{Path.Combine(Facts.Root, "eng", "LoaderFix", "buildTransitive", "Maha.Layers.targets")}" />
            </Project>
            """);
    }

    private string Cached => Path.Combine(_folder, "cache", "libLibTorchSharp.so");

    private string Output => Path.Combine(_folder, "bin", "Debug", "net10.0", "runtimes", "linux-x64", "native", "libLibTorchSharp.so");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void PackageCache_IsNeverWritten_WhateverTheOutputContains()
    {
        string packaged = Facts.Hash(Facts.PackagedLibrary);
        // Without the fix and with links, the output is a link into the cache: a file that is copied over it later must not be written through the link.
        foreach (var (arguments, isFixed) in new (string[], bool)[]
        {
            ([Links], false), (["-p:MahaLoaderFix=always"], true), ([Links], false), (["-p:MahaLoaderFix=always", Links], true),
            (["-p:MahaLoaderFix=false"], false),
        })
        {
            var (exitCode, output, error) = Build(arguments);
            Assert.True(exitCode == 0, output + error);
            Assert.Equal(!isFixed, Fix.Needs(File.ReadAllBytes(Output)));
            Assert.Equal(packaged, Facts.Hash(Cached));
        }
        Assert.Equal(packaged, Facts.Hash(Facts.PackagedLibrary));
    }

    [Fact]
    public void BadValue_IsABuildError()
    {
        var (exitCode, output, _) = Build("-p:MahaLoaderFix=sometimes");
        Assert.NotEqual(0, exitCode);
        Assert.Contains("MahaLoaderFix must be 'true', 'always' or 'false', but is 'sometimes'.", output, StringComparison.Ordinal);
    }

    private (int ExitCode, string Output, string Error) Build(params string[] arguments)
        => Facts.Dotnet(_folder, ["build", "-nologo", "-v", "quiet", .. arguments]);
}
