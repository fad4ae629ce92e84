using Maha.LoaderFix;
using Microsoft.Build.Utilities;
using Fix = Maha.LoaderFix.LoaderFix;

namespace Maha.Build.Tests.LoaderFix;

public sealed class FixTorchSharpLoaderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;
    private readonly BuildEngine _engine = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void LoaderFixAlways_ReplacesThePackagesFileByAPatchedCopy()
    {
        string before = Facts.Hash(Facts.PackagedLibrary);
        var task = Run("always", Facts.PackagedLibrary, typeof(FixTorchSharpLoaderTests).Assembly.Location);
        Assert.Equal([Facts.PackagedLibrary], task.Replaced.Select(item => item.ItemSpec));
        var copy = Assert.Single(task.Patched);
        Assert.Equal(Path.Combine(_folder, "fix", "libLibTorchSharp.so"), copy.ItemSpec);
        Assert.Equal("runtimes/linux-x64/native/", copy.GetMetadata("DestinationSubDirectory"));
        Assert.False(Fix.Needs(File.ReadAllBytes(copy.ItemSpec)));
        Assert.Equal(before, Facts.Hash(Facts.PackagedLibrary));
        Assert.Contains("GLIBCXX_3.4.32", Assert.Single(_engine.Messages), StringComparison.Ordinal);
        Assert.Empty(_engine.Warnings);

        // An up-to-date build stays up to date.
        var written = DateTime.UnixEpoch;
        File.SetLastWriteTimeUtc(copy.ItemSpec, written);
        Run("always", Facts.PackagedLibrary);
        Assert.Equal(written, File.GetLastWriteTimeUtc(copy.ItemSpec));
    }

    [Fact]
    public void LoaderFixTrue_PatchesWhereTheSystemNeedsIt()
        => Assert.Equal(FixTorchSharpLoader.SystemNeedsIt() ? 1 : 0, Run("true", Facts.PackagedLibrary).Patched.Length);

    [Fact]
    public void LoaderFixFalse_ChangesNothing()
    {
        Assert.Empty(Run("false", Facts.PackagedLibrary).Patched);
        Assert.False(Directory.Exists(Path.Combine(_folder, "fix")));
    }

    [Theory]
    [InlineData("yes")]
    [InlineData("")]
    [InlineData("TRUE ")]
    public void LoaderFixOfAnotherValue_IsAnError(string mode)
    {
        Run(mode, succeeds: false, Facts.PackagedLibrary);
        Assert.Equal($"MahaLoaderFix must be 'true', 'always' or 'false', but is '{mode}'.", Assert.Single(_engine.Errors));
    }

    [Fact]
    public void UnknownLibrary_StaysInPlace_WithAWarning()
    {
        var library = SyntheticLibrary.LikeTorchSharp();
        library.Symbols.Add(("another", 3));
        string path = Path.Combine(_folder, "libLibTorchSharp.so");
        File.WriteAllBytes(path, library.Build());
        Assert.Empty(Run("always", path).Patched);
        string warning = Assert.Single(_engine.Warnings);
        Assert.Contains("GLIBCXX_3.4.32 is needed by 2 symbols", warning, StringComparison.Ordinal);
        Assert.Contains("Debian 13, Ubuntu 24.04", warning, StringComparison.Ordinal);
    }

    [OldLinuxFact]
    public void OutputOfTheTests_HasThePatchedLibrary_NotALinkIntoThePackageCache()
    {
        var library = new FileInfo(Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libLibTorchSharp.so"));
        Assert.True(library.Exists);
        Assert.False(Fix.Needs(File.ReadAllBytes(library.FullName)));
        if (library.LinkTarget is { } target)
            Assert.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", target, StringComparison.Ordinal);
        Assert.True(Fix.Needs(File.ReadAllBytes(Facts.PackagedLibrary)));
        Layers.Core.TorchLibrary.EnsureLoaded();
        Assert.Contains(File.ReadLines("/proc/self/maps"),
            line => line.EndsWith(library.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? library.FullName, StringComparison.Ordinal));
    }

    private FixTorchSharpLoader Run(string mode, params string[] files) => Run(mode, succeeds: true, files);

    private FixTorchSharpLoader Run(string mode, bool succeeds, params string[] files)
    {
        var task = new FixTorchSharpLoader
        {
            BuildEngine = _engine,
            Files = [.. files.Select(
                file => new TaskItem(file, new Dictionary<string, string> { ["DestinationSubDirectory"] = "runtimes/linux-x64/native/" }))],
            Folder = Path.Combine(_folder, "fix"),
            Mode = mode,
        };
        Assert.Equal(succeeds, task.Execute());
        return task;
    }
}
