using Maha.Samples.Data.JaneAusten;

namespace Maha.Samples.Tests.JaneAusten;

public sealed class LazyLoadDatabaseTests : IDisposable
{
    private static readonly string[] s_lines = ["LAMPS", "", "It is a truth", "  little known,  ", "", "", "that lamps \u00A3 5.", ""];

    private readonly string _folder = Directory.CreateTempSubdirectory("maha-novels-").FullName;

    private string Database => Path.Combine(_folder, "Rdata");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(0, '0')]
    [InlineData(1, '1')]
    [InlineData(2, '0')]
    [InlineData(3, '1')]
    public void ReadStrings_GivesWhatWasWritten(int compression, char packing)
    {
        RWriter.WriteDatabase(
            Database, compression, ("other", packing, new RWriter().Ints(1).ToArray()), ("lamps", packing, new RWriter().Strings(s_lines).ToArray()));

        var database = LazyLoadDatabase.Open(Database);

        Assert.Equal(["other", "lamps"], database.Names);
        Assert.Equal(s_lines, database.ReadStrings("lamps"));
        Assert.Throws<ArgumentException>(() => database.ReadStrings("other"));
        Assert.Contains("other, lamps", Assert.Throws<ArgumentException>(() => database.ReadStrings("missing")).Message);
    }

    [Theory]
    [InlineData(2, '2')]
    [InlineData(3, 'Z')]
    public void OtherPackings_AreRefused_WithTheRemedy(int compression, char packing)
    {
        RWriter.WriteDatabase(Database, compression, ("lamps", packing, [1, 2, 3]));

        var thrown = Assert.Throws<InvalidDataException>(() => LazyLoadDatabase.Open(Database).ReadStrings("lamps"));

        Assert.Contains($"'{packing}'", thrown.Message);
        Assert.Contains("gzip", thrown.Message);
    }

    [Fact]
    public void TruncatedFiles_AreInvalidData()
    {
        RWriter.WriteDatabase(Database, 1, ("lamps", '1', new RWriter().Strings(s_lines).ToArray()));
        byte[] entries = File.ReadAllBytes(Database + ".rdb");

        File.WriteAllBytes(Database + ".rdb", entries[..^1]);
        Assert.Throws<InvalidDataException>(() => LazyLoadDatabase.Open(Database).ReadStrings("lamps"));

        entries[3]++;
        File.WriteAllBytes(Database + ".rdb", entries);
        Assert.Contains("damaged", Assert.Throws<InvalidDataException>(() => LazyLoadDatabase.Open(Database).ReadStrings("lamps")).Message);

        File.WriteAllText(Database + ".rdx", "no index");
        Assert.Throws<InvalidDataException>(() => LazyLoadDatabase.Open(Database));
    }

    [Fact]
    public void Novel_JoinsTheLinesOfAParagraph() => Assert.Equal(
        "LAMPS\n\nIt is a truth little known,\n\nthat lamps \u00A3 5.\n\n", Novel.FromLines("lamps", s_lines).Text);

    [Fact]
    public void Prepare_WritesATextForEachNovel_WithoutFetchingWhatIsThere()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "data"));
        RWriter.WriteDatabase(
            Path.Combine(_folder, "data", "Rdata"), 1,
            (JaneAustenData.HeldOut, '1', new RWriter().Strings("a", "b").ToArray()), ("emma", '1', new RWriter().Strings(s_lines).ToArray()));

        var novels = JaneAustenData.Prepare(_folder);

        Assert.Equal(["emma", JaneAustenData.HeldOut], novels.Select(novel => novel.Name));
        Assert.Equal("a b\n\n", File.ReadAllText(Path.Combine(_folder, JaneAustenData.HeldOut + ".txt")));
    }
}
