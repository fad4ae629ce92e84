using Maha.Samples.Tests.JaneAusten;

namespace Maha.Samples.Tests.Programs;

public sealed class FetchDataTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Novels_AreWrittenAndListed()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "data"));
        RWriter.WriteDatabase(
            Path.Combine(_folder, "data", "Rdata"), 1,
            ("persuasion", '1', new RWriter().Strings("three more words").ToArray()), ("emma", '1', new RWriter().Strings("one", "two").ToArray()));
        var (exitCode, output, error) = SampleProgram.Run("FetchData", _folder, "novels", _folder);
        Assert.True(exitCode == 0, error);
        Assert.Equal(["emma: 2 words, 9 bytes, train", "persuasion: 3 words, 18 bytes, held out", $"in {_folder}"], output.Split(Environment.NewLine)[..3]);
        Assert.True(File.Exists(Path.Combine(_folder, "emma.txt")));
    }

    [Fact]
    public void DamagedNovels_EndWithOneLineOfError()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "data"));
        foreach (string extension in new[] { "rdx", "rdb" })
            File.WriteAllText(Path.Combine(_folder, "data", "Rdata." + extension), "no archive");
        var (exitCode, output, error) = SampleProgram.Run("FetchData", _folder, "novels", _folder);
        Assert.Equal((1, ""), (exitCode, output));
        Assert.Single(error.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("")]
    [InlineData("poems")]
    public void WrongArguments_EndWithOneMessage(string arguments)
    {
        var (exitCode, output, error) = SampleProgram.Run("FetchData", _folder, arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(1, exitCode);
        Assert.DoesNotContain("   at ", output + error, StringComparison.Ordinal);
    }
}
