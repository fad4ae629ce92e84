using System.Buffers.Binary;
using System.Text;
using Maha.LoaderFix;

namespace Maha.Build.Tests.LoaderFix;

/// <summary>The smallest 64-bit ELF file that says which versions of other libraries its symbols need.</summary>
internal sealed class SyntheticLibrary
{
    private const int SectionHeader = 64;

    /// <summary>The names of the dynamic symbols and the numbers of the versions that they are bound to.</summary>
    public List<(string Name, int Version)> Symbols { get; } = [];

    /// <summary>The needed versions: library, name, number.</summary>
    public List<(string Library, string Version, int Number)> Needs { get; } = [];

    /// <summary>The versions that the file defines.</summary>
    public List<string> Definitions { get; } = [];

    /// <summary>More text for the string table.</summary>
    public List<string> MoreStrings { get; } = [];

    /// <summary>A symbol whose name begins within that of another: the other's index, and how many letters in.</summary>
    public (int Symbol, int Letters)? NameWithinAnother { get; set; }

    /// <summary>A library that needs the newer libstdc++ for one of its symbols, as TorchSharp's library does.</summary>
    public static SyntheticLibrary LikeTorchSharp() => new()
    {
        Symbols = { ("malloc", 2), ("_ZSt21ios_base_library_initv", 3), ("_ZNSt6localeC1Ev", 4) },
        Needs = { ("libc.so.6", "GLIBC_2.2.5", 2), ("libstdc++.so.6", "GLIBCXX_3.4.32", 3), ("libstdc++.so.6", "GLIBCXX_3.4", 4) },
    };

    /// <summary>The bytes of the file: header, sections, section headers.</summary>
    public byte[] Build()
    {
        var strings = new List<byte> { 0 };
        var symbols = new List<byte>(new byte[24]);
        var versions = new List<byte>(new byte[2]);
        var names = new List<int>();
        foreach (var (name, version) in Symbols)
            AddSymbol(Text(name), version);
        if (NameWithinAnother is var (other, letters))
            AddSymbol(names[other] + letters, 1);
        var needs = new List<byte>();
        var groups = Needs.GroupBy(need => need.Library).ToList();
        foreach (var group in groups)
        {
            needs.AddRange(
                [.. Short(1), .. Short(group.Count()), .. Int(Text(group.Key)), .. Int(16), .. Int(group == groups[^1] ? 0 : 16 + 16 * group.Count())]);
            foreach (var (need, i) in group.Select((need, i) => (need, i)))
            {
                needs.AddRange([.. Int((int)ElfLibrary.Hash(need.Version)), .. Short(0), .. Short(need.Number), .. Int(Text(need.Version)),
                    .. Int(i == group.Count() - 1 ? 0 : 16)]);
            }
        }
        var definitions = new List<byte>();
        foreach (var (definition, i) in Definitions.Select((definition, i) => (definition, i)))
        {
            definitions.AddRange([.. Short(1), .. Short(0), .. Short(i + 1), .. Short(1), .. Int(0), .. Int(20), .. Int(i == Definitions.Count - 1 ? 0 : 28),
                .. Int(Text(definition)), .. Int(0)]);
        }
        foreach (string more in MoreStrings)
            Text(more);

        var file = new List<byte>(new byte[64]);
        var headers = new List<byte>(new byte[SectionHeader]);
        Section(3, strings, 0, 0);
        Section(11, symbols, 1, 1);
        Section(0x6fffffff, versions, 2, 0);
        Section(0x6ffffffe, needs, 1, groups.Count);
        if (definitions.Count > 0)
            Section(0x6ffffffd, definitions, 1, Definitions.Count);
        byte[] bytes = [.. file, .. headers];
        new byte[] { 0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1 }.CopyTo(bytes, 0);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(0x28), file.Count);
        BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(0x3a), SectionHeader);
        BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(0x3c), (short)(headers.Count / SectionHeader));
        return bytes;

        void AddSymbol(int name, int version)
        {
            names.Add(name);
            symbols.AddRange([.. Int(name), .. new byte[20]]);
            versions.AddRange(Short(version));
        }

        int Text(string text)
        {
            strings.AddRange(Encoding.ASCII.GetBytes(text + '\0'));
            return strings.Count - text.Length - 1;
        }

        void Section(uint type, List<byte> content, int link, int info)
        {
            headers.AddRange(
                [.. Int(0), .. Int((int)type), .. new byte[16], .. Long(file.Count), .. Long(content.Count), .. Int(link), .. Int(info), .. new byte[16]]);
            file.AddRange(content);
        }
    }

    private static byte[] Short(int value) => BitConverter.GetBytes((short)value);

    private static byte[] Int(int value) => BitConverter.GetBytes(value);

    private static byte[] Long(long value) => BitConverter.GetBytes(value);
}
