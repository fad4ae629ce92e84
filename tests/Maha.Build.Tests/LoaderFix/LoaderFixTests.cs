using Maha.LoaderFix;
using Fix = Maha.LoaderFix.LoaderFix;

namespace Maha.Build.Tests.LoaderFix;

public sealed class LoaderFixTests
{
    [Fact]
    public void TorchSharpsLibrary_IsPatched_InTwoNamesAndAHash()
    {
        byte[] original = File.ReadAllBytes(Facts.PackagedLibrary), bytes = [.. original];
        Assert.True(Fix.Needs(bytes));
        Assert.Equal(LoaderFixResult.Patched, Fix.Apply(bytes, out string reason));
        Assert.Empty(reason);
        Assert.False(Fix.Needs(bytes));
        Assert.InRange(original.Zip(bytes).Count(pair => pair.First != pair.Second), 1, "_ZSt21ios_base_library_initv".Length + "GLIBCXX_3.4.32".Length + 4);
        var library = ElfLibrary.Read(bytes)!;
        var need = library.Needs().Where(need => need.Version == "GLIBCXX_3.4.20").MaxBy(need => need.Index)!;
        Assert.Contains(library.SymbolsOf(need.Index), symbol => symbol.Name == "_ZSt13get_terminatev");
    }

    [Fact]
    public void SecondPatch_ChangesNothing()
    {
        foreach (byte[] bytes in new[] { File.ReadAllBytes(Facts.PackagedLibrary), SyntheticLibrary.LikeTorchSharp().Build() })
        {
            Assert.Equal(LoaderFixResult.Patched, Fix.Apply(bytes, out _));
            byte[] once = [.. bytes];
            Assert.Equal(LoaderFixResult.NotNeeded, Fix.Apply(bytes, out _));
            Assert.Equal(once, bytes);
        }
    }

    [Fact]
    public void SyntheticLibrary_GetsTheOlderVersion_AndItsHash()
    {
        byte[] bytes = SyntheticLibrary.LikeTorchSharp().Build();
        Assert.Equal(LoaderFixResult.Patched, Fix.Apply(bytes, out _));
        var library = ElfLibrary.Read(bytes)!;
        Assert.Equal(["GLIBC_2.2.5", "GLIBCXX_3.4.20", "GLIBCXX_3.4"], library.Needs().Select(need => need.Version));
        Assert.Equal(["_ZSt13get_terminatev"], library.SymbolsOf(3).Select(symbol => symbol.Name));
        var need = library.Needs()[1];
        Assert.Equal(ElfLibrary.Hash("GLIBCXX_3.4.20"), BitConverter.ToUInt32(bytes, (int)need.Offset));
        // From the loader's own table in libstdc++ (readelf -V).
        Assert.Equal(0x0297f870u, ElfLibrary.Hash("GLIBCXX_3.4.20"));
    }

    [Fact]
    public void LibraryThatNeedsNoFix_IsUnchanged()
    {
        var library = new SyntheticLibrary { Symbols = { ("_ZNSt6localeC1Ev", 2) }, Needs = { ("libstdc++.so.6", "GLIBCXX_3.4.31", 2) } };
        Unchanged(library, LoaderFixResult.NotNeeded, "");
        // The version of another library is another version.
        Unchanged(new SyntheticLibrary { Symbols = { ("x", 2) }, Needs = { ("libother.so", "GLIBCXX_3.4.32", 2) } }, LoaderFixResult.NotNeeded, "");
    }

    [Fact]
    public void OtherNeededSymbols_AreRefused_WithTheReason()
    {
        var second = SyntheticLibrary.LikeTorchSharp();
        second.Symbols.Add(("_ZNSt8__format5printEv", 3));
        Unchanged(second, LoaderFixResult.Refused,
            "GLIBCXX_3.4.32 is needed by 2 symbols (_ZSt21ios_base_library_initv, _ZNSt8__format5printEv), not by _ZSt21ios_base_library_initv alone");

        var other = SyntheticLibrary.LikeTorchSharp();
        other.Symbols[1] = ("_ZNSt8__format5printEv", 3);
        Unchanged(other, LoaderFixResult.Refused, "needed by 1 symbols (_ZNSt8__format5printEv)");

        var symbolTwice = SyntheticLibrary.LikeTorchSharp();
        symbolTwice.MoreStrings.Add("_ZSt21ios_base_library_initv");
        Unchanged(symbolTwice, LoaderFixResult.Refused, "must stand in its string table once each");

        var versionTwice = SyntheticLibrary.LikeTorchSharp();
        versionTwice.MoreStrings.Add("OTHER_GLIBCXX_3.4.32");
        Unchanged(versionTwice, LoaderFixResult.Refused, "must stand in its string table once each");

        var needTwice = SyntheticLibrary.LikeTorchSharp();
        needTwice.Needs.Add(("libstdc++.so.6", "GLIBCXX_3.4.32", 5));
        Unchanged(needTwice, LoaderFixResult.Refused, "it names GLIBCXX_3.4.32 2 times, not once");

        var within = SyntheticLibrary.LikeTorchSharp();
        within.NameWithinAnother = (1, "_ZSt21ios_base_library_".Length);
        Unchanged(within, LoaderFixResult.Refused, "another name is a part of");
    }

    [Theory]
    [InlineData(0, 0)] // no ELF file
    [InlineData(4, 1)] // 32 bits
    [InlineData(5, 2)] // big-endian
    [InlineData(0x28, 0)] // no section headers; the offset's other bytes stay
    public void OtherFiles_AreRefused(int offset, byte value)
    {
        byte[] bytes = SyntheticLibrary.LikeTorchSharp().Build();
        if (offset == 0x28)
            bytes.AsSpan(offset, 8).Clear();
        bytes[offset] = value;
        Assert.Equal(LoaderFixResult.Refused, Fix.Apply(bytes, out string reason));
        Assert.Equal("it is not a 64-bit little-endian ELF library with section headers", reason);
        Assert.Equal(LoaderFixResult.Refused, Fix.Apply([], out _));
        Assert.Equal(LoaderFixResult.Refused, Fix.Apply("a text that is longer than the header of a library, which has 64 bytes"u8.ToArray(), out _));
    }

    [Fact]
    public void CutFiles_AreRefused_AtEveryLength()
    {
        byte[] whole = SyntheticLibrary.LikeTorchSharp().Build();
        for (int length = 0; length < whole.Length; length++)
        {
            byte[] cut = whole[..length], before = [.. cut];
            Assert.Equal(LoaderFixResult.Refused, Fix.Apply(cut, out string reason));
            Assert.NotEmpty(reason);
            Assert.Equal(before, cut);
        }
    }

    [Fact]
    public void DamagedFiles_ReturnAResult_AtEveryByte()
    {
        byte[] whole = SyntheticLibrary.LikeTorchSharp().Build();
        for (int offset = 0; offset < whole.Length; offset++)
        {
            foreach (byte value in new byte[] { 0, 1, 0x7f, 0x80, 0xff })
                Damaged(whole, bytes => bytes[offset] = value);
            // Entire fields too: counts of billions, negative offsets, cyclic chains.
            Damaged(whole, bytes => bytes.AsSpan(offset, Math.Min(4, bytes.Length - offset)).Fill(0xff));
            Damaged(whole, bytes => bytes.AsSpan(offset, Math.Min(8, bytes.Length - offset)).Fill(0xff));
            Damaged(whole, bytes => bytes.AsSpan(offset, Math.Min(4, bytes.Length - offset)).Clear());
        }
    }

    [Fact]
    public void DamagedTorchSharpLibraries_ReturnAResult()
    {
        byte[] whole = File.ReadAllBytes(Facts.PackagedLibrary);
        var random = new Random(1);
        int headers = (int)BitConverter.ToInt64(whole, 0x28);
        for (int i = 0; i < 100; i++)
        {
            Damaged(whole, bytes => random.NextBytes(bytes.AsSpan(random.Next(64), 4)));
            Damaged(whole, bytes => random.NextBytes(bytes.AsSpan(random.Next(headers, bytes.Length - 8), 8)));
            Damaged(whole, bytes => random.NextBytes(bytes.AsSpan(random.Next(bytes.Length - 64), 64)));
        }
    }

    [Fact]
    public void RequiredVersion_IsFoundWhereTheLibraryDefinesIt()
    {
        Assert.True(Fix.Defines(new SyntheticLibrary { Definitions = { "libstdc++.so.6", "GLIBCXX_3.4.31", "GLIBCXX_3.4.32" } }.Build()));
        Assert.False(Fix.Defines(new SyntheticLibrary { Definitions = { "libstdc++.so.6", "GLIBCXX_3.4.30" } }.Build()));
        // A needed version is not a defined one.
        Assert.False(Fix.Defines(SyntheticLibrary.LikeTorchSharp().Build()));
    }

    private static void Unchanged(SyntheticLibrary library, LoaderFixResult result, string reason)
    {
        byte[] bytes = library.Build(), before = [.. bytes];
        Assert.Equal(result, Fix.Apply(bytes, out string said));
        Assert.Contains(reason, said, StringComparison.Ordinal);
        Assert.Equal(before, bytes);
    }

    private static void Damaged(byte[] whole, Action<byte[]> damage)
    {
        byte[] bytes = [.. whole];
        damage(bytes);
        byte[] before = [.. bytes];
        var result = Fix.Apply(bytes, out string reason);
        Assert.Equal(result == LoaderFixResult.Refused, reason.Length > 0);
        if (result != LoaderFixResult.Patched)
            Assert.True(before.AsSpan().SequenceEqual(bytes));
        Fix.Defines(before);
        Fix.Needs(before);
    }
}
