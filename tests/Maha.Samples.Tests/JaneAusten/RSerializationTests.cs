using Maha.Samples.Data.JaneAusten;

namespace Maha.Samples.Tests.JaneAusten;

public class RSerializationTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Strings_AreRead_InBothVersions(int version)
    {
        byte[] data = new RWriter(version).Strings("", "a", "\u00A3 1", null).ToArray();

        Assert.Equal<IEnumerable<string?>>(["", "a", "\u00A3 1", null], Assert.IsType<string?[]>(RSerialization.Read(data)));
    }

    [Fact]
    public void Latin1Strings_AreDecoded()
    {
        byte[] data = new RWriter().Int(16).Int(1).Char("\u00A3\u00E9", RWriter.Latin1).ToArray();

        Assert.Equal<IEnumerable<string?>>(["\u00A3\u00E9"], Assert.IsType<string?[]>(RSerialization.Read(data)));
    }

    [Fact]
    public void Lists_KeepTheirNames_AndLaterSymbolsRefer()
    {
        byte[] data = new RWriter()
            .Int(19 | RWriter.HasAttributes).Int(3)
            .Int(19 | RWriter.HasAttributes).Int(1).Ints(1, -2).Names(true, "inner")
            .Int(14).Int(2).Double(0.5).Double(-3e300)
            .Null()
            .Names(false, "list", "real", "nothing")
            .ToArray();

        var list = Assert.IsType<RList>(RSerialization.Read(data));

        Assert.Equal(["list", "real", "nothing"], list.Names!);
        Assert.Equal([1, -2], Assert.IsType<int[]>(Assert.IsType<RList>(list["list"])["inner"]));
        Assert.Equal([0.5, -3e300], Assert.IsType<double[]>(list["real"]));
        Assert.Null(list["nothing"]);
        Assert.Null(list["other"]);
    }

    [Fact]
    public void AttributesOfAtomicVectors_AreIgnored()
    {
        byte[] data = new RWriter()
            .Int(19).Int(2)
            .Int(13 | RWriter.HasAttributes).Int(2).Int(7).Int(8).Names(true, "a", "b")
            .Strings("after")
            .ToArray();

        var list = Assert.IsType<RList>(RSerialization.Read(data));

        Assert.Equal([7, 8], Assert.IsType<int[]>(list.Items[0]));
        Assert.Equal<IEnumerable<string?>>(["after"], Assert.IsType<string?[]>(list.Items[1]));
    }

    [Fact]
    public void Pairlists_AreListsWithTheirTags()
    {
        byte[] data = new RWriter()
            .Int(2 | RWriter.HasTag).Int(1).Char("first").Ints(1)
            .Int(2).Ints(2)
            .Null()
            .ToArray();

        var list = Assert.IsType<RList>(RSerialization.Read(data));

        Assert.Equal(["first", null], list.Names!);
        Assert.Equal([2], Assert.IsType<int[]>(list.Items[1]));
    }

    [Fact]
    public void LongLengths_AreRead() => Assert.Equal(
        [5], Assert.IsType<int[]>(RSerialization.Read(new RWriter().Int(13).Int(-1).Int(0).Int(1).Int(5).ToArray())));

    [Fact]
    public void EveryTruncation_IsRefused()
    {
        byte[] whole = new RWriter().Int(19 | RWriter.HasAttributes).Int(1).Strings("a", "bc").Names(true, "x").ToArray();

        Assert.IsType<RList>(RSerialization.Read(whole));
        for (int length = 0; length < whole.Length; length++)
            Assert.Throws<InvalidDataException>(() => RSerialization.Read(whole[..length]));
    }

    [Fact]
    public void DamagedBytes_ReadOrThrowInvalidData()
    {
        byte[] whole = new RWriter().Int(19 | RWriter.HasAttributes).Int(2).Strings("a", "bc").Ints(1, 2, 3).Names(true, "x", "y").ToArray();
        for (int position = 0; position < whole.Length; position++)
        {
            foreach (byte value in (byte[])[0, 1, 2, 9, 19, 127, 255])
            {
                byte[] damaged = whole.ToArray();
                damaged[position] = value;
                var thrown = Record.Exception(() => RSerialization.Read(damaged));
                Assert.True(thrown is null or InvalidDataException, $"byte {position} = {value}: {thrown}");
            }
        }
    }

    [Fact]
    public void EndlessNesting_IsRefused()
    {
        var writer = new RWriter();
        for (int i = 0; i < 100_000; i++)
            writer.Int(19).Int(1);

        Assert.Contains("nested", Assert.Throws<InvalidDataException>(() => RSerialization.Read(writer.ToArray())).Message);
    }

    [Fact]
    public void Closures_AreRefused_ByTheirType() =>
        Assert.Contains("its type is 3", Assert.Throws<InvalidDataException>(() => RSerialization.Read(new RWriter().Int(3).ToArray())).Message);
}
