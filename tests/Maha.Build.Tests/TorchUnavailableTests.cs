using Maha.Layers.Core;
using Maha.Layers.Models;
using TorchSharp;

namespace Maha.Build.Tests;

// The program of Program.cs, from copies of this project's output in which native files are missing or do not fit.
public sealed class TorchUnavailableTests : IDisposable
{
    private static readonly string s_native = Path.Combine("runtimes", Facts.RuntimeIdentifier, "native");
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("modules", 6)]
    [InlineData("entries", 4)]
    public void WithoutLibtorch_EveryEntryNamesThePackage(string list, int atLeast)
    {
        var calls = Run(list, path => Path.GetFileName(path).Contains("torch_cpu", StringComparison.Ordinal));
        Assert.True(calls.Count >= atLeast, $"{calls.Count} calls");
        Assert.All(calls, call =>
        {
            Assert.True(call.Type == nameof(TorchUnavailableException), $"{call.Name}: {call.Type} {call.Message}");
            Assert.Contains($"libtorch-cpu-{Facts.RuntimeIdentifier} {Facts.LibtorchVersion}", call.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void WithoutLibtorch_NoPublicMember_ThrowsTorchSharpsOwnException()
    {
        var calls = Run("public", path => Path.GetFileName(path).Contains("torch_cpu", StringComparison.Ordinal));
        Assert.True(calls.Count > 100, $"{calls.Count} calls");
        Assert.All(calls, call => Assert.False(
            call.Type is nameof(TypeInitializationException) or nameof(DllNotFoundException) or nameof(NotSupportedException),
            $"{call.Name}: {call.Type} {call.Message}"));
        Assert.Contains(calls, call => call.Type == nameof(TorchUnavailableException));
    }

    [Fact]
    public void WithoutAnyNativeFile_FitAndLoadThrow_BeforeARowIsRead()
    {
        var calls = Run("mlnet", path => Path.GetDirectoryName(path)!.EndsWith(s_native, StringComparison.Ordinal)
            && Path.GetFileName(path).Contains("orch", StringComparison.Ordinal));
        Assert.Equal(("rows read", "0", ""), calls[^1]);
        Assert.All(calls.SkipLast(1), call =>
        {
            Assert.True(call.Type == nameof(TorchUnavailableException), $"{call.Name}: {call.Type} {call.Message}");
            Assert.Contains($"libtorch-cpu-{Facts.RuntimeIdentifier} {Facts.LibtorchVersion}", call.Message, StringComparison.Ordinal);
        });
        Assert.Equal(calls[0].Message, calls[1].Message);
        Assert.Contains(calls, call => call.Name == "binary.zip");
        Assert.Contains(calls, call => call.Name == "encoder.zip");
    }

    [OldLinuxFact]
    public void LibraryForANewerSystem_IsExplained_WithBothRemedies()
    {
        Copy(_ => false);
        string library = Path.Combine(_folder, s_native, "libLibTorchSharp.so");
        File.Delete(library);
        File.Copy(Facts.PackagedLibrary, library);
        foreach (var call in Calls("mlnet").SkipLast(1).Concat(Calls("modules")))
        {
            Assert.True(call.Type == nameof(TorchUnavailableException), $"{call.Name}: {call.Type} {call.Message}");
            Assert.Matches(@"^TorchSharp's native library needs GLIBCXX_3\.4\.32 of libstdc\+\+\.so\.6, but this system's ends at GLIBCXX_3\.4\.\d+\. "
                + @"To run here, set <MahaLoaderFix>true</MahaLoaderFix> in the project file, or use a newer system", call.Message);
        }
    }

    [Fact]
    public void InvalidLibrary_IsExplainedByTheMessageOfTheLoader()
    {
        Copy(_ => false);
        string library = Directory.GetFiles(Path.Combine(_folder, s_native))
            .Single(path => Path.GetFileNameWithoutExtension(path).EndsWith("LibTorchSharp", StringComparison.Ordinal));
        File.Delete(library);
        File.WriteAllText(library, "no library");
        var call = Calls("modules")[0];
        Assert.Equal(nameof(TorchUnavailableException), call.Type);
        Assert.StartsWith("TorchSharp's native library could not be loaded. The system's loader says: ", call.Message, StringComparison.Ordinal);
        Assert.Contains(library, call.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WithNativeFiles_NothingIsThrown()
    {
        TorchLibrary.EnsureLoaded();
        using var embedding = new NestedSignalEmbedding(8, new LeafType { Name = "column", Channels = 2 });
        using var tensor = torch.ones(1);
        Assert.Equal(1, tensor.item<float>());
    }

    private List<(string Name, string Type, string Message)> Run(string list, Func<string, bool> leaveOut)
    {
        Copy(leaveOut);
        return Calls(list);
    }

    private List<(string Name, string Type, string Message)> Calls(string list)
    {
        var (exitCode, output, error) = Facts.Dotnet(_folder, [Path.Combine(_folder, "Maha.Build.Tests.dll"), list, Path.Combine(_folder, "SavedModels")]);
        Assert.True(exitCode == 0, output + error);
        Assert.DoesNotContain("LoadNativeBackend", output + error, StringComparison.Ordinal);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.TrimEnd('\r').Split('\t')).Select(fields => (fields[0], fields[1], fields.Length > 2 ? fields[2] : ""))];
    }

    // Large files are linked: libtorch has half a gigabyte.
    private void Copy(Func<string, bool> leaveOut)
    {
        string output = AppContext.BaseDirectory;
        foreach (string path in Directory.GetFiles(output, "*", SearchOption.AllDirectories).Where(path => !leaveOut(path)))
        {
            string copy = Path.Combine(_folder, Path.GetRelativePath(output, path));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            if (path.Contains(s_native, StringComparison.Ordinal))
                File.CreateSymbolicLink(copy, path);
            else
                File.Copy(path, copy);
        }
    }
}
