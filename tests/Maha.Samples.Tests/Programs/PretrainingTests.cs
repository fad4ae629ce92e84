using System.Globalization;

namespace Maha.Samples.Tests.Programs;

public sealed class PretrainingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Pretraining_EncodesOnce_AndTrainsThreeClassifiers()
    {
        foreach (string task in new[] { "section", "project" })
        {
            Write(task + ".train", 60);
            Write(task + ".test", 20);
        }
        var (exitCode, output, error) = SampleProgram.Run("Pretraining", _folder, _folder, "1");
        Assert.True(exitCode == 0, error);
        string[] lines = output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.True(File.Exists(Path.Combine(_folder, "encoder.zip")));
        Assert.Equal(5, lines.Length);
        foreach (var (line, start) in lines[1..4].Zip(["section: ", "project: ", "animals or not: "]))
        {
            Assert.StartsWith(start + "accuracy ", line, StringComparison.Ordinal);
            Assert.True(double.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture) > 0.8, line);
        }
    }

    [Fact]
    public void FolderWithoutData_IsRefused_WithTheRemedy()
    {
        var (exitCode, _, error) = SampleProgram.Run("Pretraining", _folder, _folder);
        Assert.Equal(2, exitCode);
        Assert.Contains("./run.sh --quick", error, StringComparison.Ordinal);
    }

    private void Write(string name, int count)
    {
        string[][] words = [["cat", "dog", "otter"], ["hammer", "saw", "drill"]];
        var random = new Random(name.Length);
        File.WriteAllLines(Path.Combine(_folder, name + ".tsv"), Enumerable.Range(0, count).Select(i =>
            $"{(i % 2 == 0 ? "animals" : "tools")}\t{string.Join(' ', Enumerable.Range(0, 12).Select(_ => words[i % 2][random.Next(3)]))}"));
    }
}
