using Maha.Layers.Core;

namespace Maha.Layers.Tests.Core;

public sealed class TorchLibraryTests : IDisposable
{
    private const string TooOld = "/lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by /app/libLibTorchSharp.so)";
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void OldStandardLibrary_IsExplainedWithItsNewestVersion_AndBothRemedies()
        => Assert.Equal(
            "TorchSharp's native library needs GLIBCXX_3.4.32 of libstdc++.so.6, but this system's ends at GLIBCXX_3.4.30. "
                + "To run here, set <MahaLoaderFix>true</MahaLoaderFix> in the project file, or use a newer system (Debian 13, Ubuntu 24.04).",
            TorchLibrary.Explain(TooOld, hasLibtorch: false, "linux-x64", path => path == "/lib/x86_64-linux-gnu/libstdc++.so.6" ? "GLIBCXX_3.4.30" : null));

    [Fact]
    public void UnknownVersion_IsExplainedWithoutTheFix()
    {
        string said = TorchLibrary.Explain(TooOld.Replace("3.4.32", "3.4.33", StringComparison.Ordinal), hasLibtorch: true, "linux-x64", _ => null);
        Assert.StartsWith(
            "TorchSharp's native library needs GLIBCXX_3.4.33 of libstdc++.so.6, but this system's does not have it. To run here, use a newer system",
            said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("linux-x64", "Add the package libtorch-cpu-linux-x64 2.10.0 to the program's project, or TorchSharp-cuda-linux 0.107.0 for NVIDIA GPUs.")]
    [InlineData("osx-arm64", "Add the package libtorch-cpu-osx-arm64 2.10.0 to the program's project.")]
    [InlineData("linux-arm64", "TorchSharp 0.107.0 has native libraries for linux-x64, osx-arm64, win-x64, win-arm64, but this process runs on linux-arm64.")]
    public void MissingLibtorch_NamesThePackageOfTheSystem(string system, string remedy)
        => Assert.Contains(remedy,
            TorchLibrary.Explain("libtorch.so: cannot open shared object file", hasLibtorch: false, system, _ => null), StringComparison.Ordinal);

    [Fact]
    public void OtherLoadFailure_IsExplainedByTheMessageOfTheLoader()
        => Assert.Equal("TorchSharp's native library could not be loaded. The system's loader says: invalid ELF header",
            TorchLibrary.Explain("invalid ELF header", hasLibtorch: true, "linux-x64", _ => null));

    [Fact]
    public void LastVersionOfAFile_IsItsHighest_AsNumbers()
    {
        File.WriteAllText(_file, "\0GLIBCXX_3.4\0GLIBCXX_3.4.9\0GLIBCXX_3.4.30\0GLIBCXX_TUNABLES\0GLIBCXX_3.4.29\0");
        Assert.Equal("GLIBCXX_3.4.30", TorchLibrary.LastVersion(_file));
        File.WriteAllText(_file, "none");
        Assert.Null(TorchLibrary.LastVersion(_file));
        Assert.Null(TorchLibrary.LastVersion(Path.Combine(_file, "missing")));
    }
}
