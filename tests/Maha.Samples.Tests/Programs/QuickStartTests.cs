namespace Maha.Samples.Tests.Programs;

public sealed class QuickStartTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void QuickStart_TrainsEvaluatesSavesAndPredicts()
    {
        string[] animals = ["cat", "dog", "otter"], tools = ["hammer", "saw", "drill"];
        var random = new Random(1);
        string path = Path.Combine(_folder, "documents.tsv");
        File.WriteAllLines(path, Enumerable.Range(0, 60).Select(i =>
            $"{(i % 2 == 0 ? "animals" : "tools")}\t{string.Join(' ', Enumerable.Range(0, 8).Select(_ => (i % 2 == 0 ? animals : tools)[random.Next(3)]))}"));
        var (exitCode, output, error) = SampleProgram.Run("QuickStart", _folder, path, "saw drill saw hammer");
        Assert.True(exitCode == 0, error);
        string[] lines = output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.StartsWith("accuracy 1", lines[0], StringComparison.Ordinal);
        Assert.Equal("tools", lines[1]);
        Assert.True(File.Exists(Path.Combine(_folder, "model.zip")));
    }

    [Fact]
    public void Readme_ShowsTheProgramAsItIs()
    {
        string program = File.ReadAllText(Path.Combine(SampleProgram.Root, "samples", "QuickStart", "Program.cs")).ReplaceLineEndings("\n").Trim();
        string readme = File.ReadAllText(Path.Combine(SampleProgram.Root, "README.md")).ReplaceLineEndings("\n");
        Assert.Contains($"```csharp\n{program}\n```", readme, StringComparison.Ordinal);
    }
}
