namespace Maha.Samples.Tests.Programs;

public sealed class SearchTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Search_FindsPagesByTheirSummaries_WithBothEncoders()
    {
        string[] subjects = ["cats", "hammers", "rivers", "trains", "bread", "violins", "clouds", "coins"];
        string Line(int i) => $"class\tall about {subjects[i % 8]} \u240A \u240A The page tells of {subjects[i % 8]} and more {subjects[i % 8]}, day {i}.";
        File.WriteAllLines(Path.Combine(_folder, "section.train.tsv"), Enumerable.Range(8, 40).Select(Line));
        File.WriteAllLines(Path.Combine(_folder, "section.test.tsv"), Enumerable.Range(0, 8).Select(Line));
        var (exitCode, output, error) = SampleProgram.Run("Search", _folder, _folder, "8");
        Assert.True(exitCode == 0, error);
        string[] lines = output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("8 pages, each searched by its summary", lines[0]);
        Assert.StartsWith("spectral", lines[2], StringComparison.Ordinal);
        Assert.StartsWith("pretrained", lines[3], StringComparison.Ordinal);
        // The summaries name the subjects: the pretrained encoder must find most pages first. The last three columns are recall and the mean reciprocal rank.
        string[] columns = lines[3].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.InRange(double.Parse(columns[^3], System.Globalization.CultureInfo.CurrentCulture), 0.7, 1);
        Assert.Equal(2, SampleProgram.Run("Search", _folder, Path.Combine(_folder, "none")).ExitCode);
    }
}
