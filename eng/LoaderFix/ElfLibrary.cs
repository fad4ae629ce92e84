using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;

namespace Maha.LoaderFix;

/// <summary>What a 64-bit little-endian ELF file says of the symbol versions that it needs and defines. Offsets are checked: any bytes may be read.</summary>
/// <remarks>Source: System V ABI, "Symbol Versioning" (Linux Standard Base Core, chapter 10.7).</remarks>
internal sealed class ElfLibrary
{
    private const int SymbolBytes = 24;
    private const uint DynamicSymbols = 11;
    private const uint VersionDefinitions = 0x6ffffffd;
    private const uint VersionNeeds = 0x6ffffffe;
    private const uint SymbolVersions = 0x6fffffff;

    private readonly byte[] _bytes;
    private readonly List<Section> _sections = [];

    private ElfLibrary(byte[] bytes) => _bytes = bytes;

    /// <summary>Reads the section headers.</summary>
    /// <returns>Null where the bytes are no 64-bit little-endian ELF file with section headers.</returns>
    public static ElfLibrary? Read(byte[] bytes)
    {
        if (bytes.Length < 64 || bytes[0] != 0x7f || bytes[1] != 'E' || bytes[2] != 'L' || bytes[3] != 'F' || bytes[4] != 2 || bytes[5] != 1)
            return null;
        var library = new ElfLibrary(bytes);
        try
        {
            long start = library.Long(0x28);
            int size = library.Short(0x3a), count = library.Short(0x3c);
            if (start == 0 || size < 64)
                return null;
            for (int i = 0; i < count; i++)
            {
                long at = start + (long)i * size;
                library.Byte(at + size - 1);
                library._sections.Add(new Section(library.Int(at + 4), library.Long(at + 24), library.Long(at + 32), (int)library.Int(at + 40), (int)library.Int(at + 44)));
            }
            return library;
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    /// <summary>The versions that the file needs of other libraries.</summary>
    public List<Need> Needs()
    {
        var needs = new List<Need>();
        foreach (var section in _sections.FindAll(section => section.Type == VersionNeeds))
        {
            long strings = StringsOf(section);
            long entry = section.Offset;
            for (int i = 0; i < section.Info; i++)
            {
                string library = Text(strings + Int(entry + 4));
                long version = entry + Int(entry + 8);
                for (int j = 0; j < Short(entry + 2); j++)
                {
                    needs.Add(new Need(library, Text(strings + Int(version + 8)), version, strings + Int(version + 8), Short(version + 6)));
                    version = Next(version, version + 12);
                }
                entry = Next(entry, entry + 12);
            }
        }
        return needs;
    }

    /// <summary>The versions that the file defines.</summary>
    public HashSet<string> Definitions()
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var section in _sections.FindAll(section => section.Type == VersionDefinitions))
        {
            long strings = StringsOf(section);
            long entry = section.Offset;
            for (int i = 0; i < section.Info; i++)
            {
                names.Add(Text(strings + Int(entry + Int(entry + 12))));
                entry = Next(entry, entry + 16);
            }
        }
        return names;
    }

    /// <summary>The dynamic symbols that are bound to a version: their names and where these stand in the file.</summary>
    public List<(string Name, long NameOffset)> SymbolsOf(int versionIndex)
    {
        var symbols = new List<(string, long)>();
        var versions = _sections.Find(section => section.Type == SymbolVersions);
        var table = _sections.Find(section => section.Type == DynamicSymbols);
        if (versions is null || table is null)
            return symbols;
        long strings = StringsOf(table);
        for (long i = 0; i < versions.Size / 2; i++)
        {
            // The highest bit says that the symbol is hidden.
            if ((Short(versions.Offset + 2 * i) & 0x7fff) == versionIndex)
            {
                long name = strings + Int(table.Offset + SymbolBytes * i);
                symbols.Add((Text(name), name));
            }
        }
        return symbols;
    }

    /// <summary>How often a zero-terminated text stands in the string table of the dynamic symbols, also as the end of a longer one.</summary>
    public int CountOfDynamicString(string text)
    {
        var table = _sections.Find(section => section.Type == DynamicSymbols);
        if (table is null)
            return 0;
        long start = StringsOf(table);
        long end = Math.Min(start + _sections[table.Link].Size, _bytes.Length);
        byte[] sought = Encoding.ASCII.GetBytes(text + "\0");
        int count = 0;
        for (long at = start; at + sought.Length <= end; at++)
        {
            int i = 0;
            while (i < sought.Length && Byte(at + i) == sought[i])
                i++;
            if (i == sought.Length)
                count++;
        }
        return count;
    }

    /// <summary>How many dynamic symbols and needed versions have names that begin within a range of the file: linkers let short names be the ends of long ones.</summary>
    public int CountOfNamesIn(long start, long end)
    {
        int count = Needs().Count(need => need.NameOffset >= start && need.NameOffset < end);
        var table = _sections.Find(section => section.Type == DynamicSymbols);
        if (table is null)
            return count;
        long strings = StringsOf(table);
        for (long i = 0; i < table.Size / SymbolBytes; i++)
        {
            long name = strings + Int(table.Offset + SymbolBytes * i);
            if (name >= start && name < end)
                count++;
        }
        return count;
    }

    /// <summary>The hash of a version's name that version needs carry.</summary>
    public static uint Hash(string name)
    {
        uint hash = 0;
        foreach (char c in name)
        {
            hash = (hash << 4) + c;
            uint high = hash & 0xf0000000;
            hash ^= high >> 24;
            hash &= ~high;
        }
        return hash;
    }

    private long StringsOf(Section section) => section.Link < 0 || section.Link >= _sections.Count
        ? throw new InvalidDataException("A section names a string table that the file does not have.")
        : _sections[section.Link].Offset;

    // A chain that does not go on would be walked as often as a count in the file says, up to two billion times.
    private long Next(long entry, long distanceAt) => Int(distanceAt) is var distance && distance > 0 ? entry + distance : _bytes.Length;

    private string Text(long at)
    {
        long end = at;
        while (Byte(end) != 0)
            end++;
        return Encoding.ASCII.GetString(_bytes, (int)at, (int)(end - at));
    }

    private byte Byte(long at) => at >= 0 && at < _bytes.Length ? _bytes[at] : throw new InvalidDataException("An offset lies outside of the file.");

    private int Short(long at) => Byte(at) | Byte(at + 1) << 8;

    private uint Int(long at) => (uint)Short(at) | (uint)Short(at + 2) << 16;

    private long Long(long at) => (long)(Int(at) | (ulong)Int(at + 4) << 32);

    private sealed class Section(uint type, long offset, long size, int link, int info)
    {
        public uint Type => type;

        public long Offset => offset;

        public long Size => size;

        public int Link => link;

        public int Info => info;
    }

    /// <summary>One version that the file needs.</summary>
    internal sealed class Need(string library, string version, long offset, long nameOffset, int index)
    {
        /// <summary>The library that must define it.</summary>
        public string Library => library;

        /// <summary>Its name, such as GLIBCXX_3.4.32.</summary>
        public string Version => version;

        /// <summary>Where its entry stands in the file; the hash comes first.</summary>
        public long Offset => offset;

        /// <summary>Where its name stands in the file.</summary>
        public long NameOffset => nameOffset;

        /// <summary>The number by which symbols refer to it.</summary>
        public int Index => index;
    }
}
