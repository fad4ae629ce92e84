using System.Text.Json;
using Maha.TestData;

namespace Maha.Build.Tests.Packages;

// The steps of a user of the shell: the package of the tool for this system, an empty folder of tools, a saved model.
public sealed class ToolPackageTests : IDisposable
{
    private static readonly string s_model = Path.Combine(Facts.Root, "tests", "Maha.MLNet.Tests", "SavedModels", "multiclass-window");

    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void PackedTool_IsInstalledFromAFolder_AndPredicts()
    {
        // A version that no package cache has.
        string version = $"0.1.0-test.{DateTime.UtcNow:yyyyMMddHHmmssfff}";
        // Not compiled ahead, which takes as long as the rest.
        Dotnet(Facts.Root, "pack", Path.Combine("src", "Maha.Tool"), "-nologo", "-c", Facts.Configuration, "-o", Path.Combine(_folder, "feed"),
            "-p:MahaPackTool=true", "-p:PublishReadyToRun=false", $"-p:MahaToolSystem={Facts.RuntimeIdentifier}", $"-p:PackageVersion={version}");
        Assert.Equal(
            [$"Maha.Tool.{version}.nupkg", $"Maha.Tool.{Facts.RuntimeIdentifier}.{version}.nupkg"],
            Directory.GetFiles(Path.Combine(_folder, "feed")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        File.WriteAllText(Path.Combine(_folder, "nuget.config"), """
            <configuration>
              <packageSources><clear /><add key="feed" value="feed" /></packageSources>
            </configuration>
            """);
        Dotnet(_folder, "tool", "install", "Maha.Tool", "--tool-path", "tools", "--configfile", "nuget.config", "--version", version);

        string help = Maha("--help");
        Assert.All(["train", "evaluate", "predict", "explain", "embed", "export", "report"],
            command => Assert.Contains($"\n  {command} ", help, StringComparison.Ordinal));

        // The predictions that an earlier version has saved beside the model.
        using var saved = JsonDocument.Parse(File.ReadAllText(s_model + ".json"));
        var rows = saved.RootElement.EnumerateArray().ToList();
        var texts = rows.Select(row => JsonSerializer.Serialize(new { text = row.GetProperty("Text").GetString() }));
        File.WriteAllLines(Path.Combine(_folder, "texts.jsonl"), texts);
        string[] lines = Maha("predict", "texts.jsonl", "--model", s_model + ".zip").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(rows.Count, lines.Length);
        foreach (var (row, line) in rows.Zip(lines))
        {
            using var json = JsonDocument.Parse(line);
            var prediction = json.RootElement;
            Assert.Equal(row.GetProperty("PredictedLabel").GetString(), prediction.GetProperty("predictedLabel").GetString());
            Assert.Equal(row.GetProperty("Score").EnumerateArray().Max(score => score.GetDouble()), prediction.GetProperty("score").GetDouble(), 1e-4);
        }
    }

    private static void Dotnet(string folder, params string[] arguments)
    {
        var (exitCode, output, error) = Facts.Dotnet(folder, arguments);
        Assert.True(exitCode == 0, output + error);
    }

    private string Maha(params string[] arguments)
    {
        string program = Path.Combine(_folder, "tools", OperatingSystem.IsWindows() ? "maha.exe" : "maha");
        var (exitCode, output, error) = ChildProcess.Run($"maha {string.Join(' ', arguments)}", _folder, arguments, program: program);
        Assert.True(exitCode == 0, output + error);
        return output;
    }
}
