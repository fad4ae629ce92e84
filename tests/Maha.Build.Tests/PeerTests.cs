namespace Maha.Build.Tests;

// samples/Peer is not in the solution: it needs an older TorchSharp.
public sealed class PeerTests : IDisposable
{
    private static readonly Lazy<string> s_program = new(Build);
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public PeerTests()
    {
        string[][] words = [["cat", "dog", "otter"], ["hammer", "saw", "drill"]];
        var random = new Random(1);
        File.WriteAllLines(Path.Combine(_folder, "own.tsv"), Enumerable.Range(0, 20).Select(i =>
            $"{(i % 2 == 0 ? "animals" : "tools")}\t{string.Join(' ', Enumerable.Range(0, 8).Select(_ => words[i % 2][random.Next(3)]))}"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // A proxy that does not answer: no network, on every machine.
    [Fact]
    public void FailedDownload_PrintsOneLineAndExitsWith3()
    {
        var (exitCode, output, error) = Facts.Dotnet(_folder, [s_program.Value, "--data", "own.tsv"], ("HTTPS_PROXY", "http://127.0.0.1:9"),
            ("MICROSOFTML_RESOURCE_PATH", _folder));
        Assert.True(exitCode == 3, output + error);
        Assert.Matches(@"^ML\.NET's pretrained model could not be downloaded from https://\S+\. Run this where that address can be reached\.\r?\n$", error);
    }

    [Fact]
    public void MissingNativeLibrary_PrintsOneLineAndExitsWith3()
    {
        string output = Path.GetDirectoryName(s_program.Value)!, copy = Path.Combine(_folder, "copy");
        foreach (string path in Directory.GetFiles(output, "*", SearchOption.AllDirectories)
            .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}native{Path.DirectorySeparatorChar}", StringComparison.Ordinal)))
        {
            string target = Path.Combine(copy, Path.GetRelativePath(output, path));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(path, target);
        }
        var (exitCode, _, error) = Facts.Dotnet(_folder, [Path.Combine(copy, "Peer.dll"), "--data", "own.tsv"]);
        Assert.Equal(3, exitCode);
        Assert.Matches(
            @"^The native library of TorchSharp [\d.]+ could not be loaded\. Microsoft\.ML\.TorchSharp was compiled against TorchSharp 0\.102\.7: .*\r?\n$",
            error);
    }

    [Theory]
    [InlineData("--data missing.tsv", "--data and --test must name files")]
    [InlineData("--data own.tsv --label-column topic", "--label-column must be a number from 0 or a name in the first line, but is 'topic'.")]
    [InlineData("--epochs 0", "--epochs must be at least 1, but is 0.")]
    public void WrongArguments_EndWithOneMessage(string arguments, string message)
    {
        var (exitCode, output, error) = Facts.Dotnet(_folder, [s_program.Value, .. arguments.Split(' ')]);
        Assert.Equal(1, exitCode);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + error, StringComparison.Ordinal);
    }

    private static string Build()
    {
        string folder = Path.Combine(Facts.Root, "samples", "Peer");
        var (exitCode, output, error) = Facts.Dotnet(folder, ["build", "-nologo", "-v", "quiet", "-c", Facts.Configuration]);
        Assert.True(exitCode == 0, output + error);
        return Path.Combine(folder, "bin", Facts.Configuration, "net10.0", "Peer.dll");
    }
}
