using System.Buffers.Binary;
using System.IO.Compression;

namespace Maha.Samples.Data.JaneAusten;

/// <summary>
/// The data sets of an installed R package: NAME.rdx lists them with their places in NAME.rdb.
/// </summary>
/// <remarks>
/// NAME.rdx is a gzip file of a serialized list: "variables", a list with the whole numbers (offset, bytes) under each name,
/// and "compressed", which says how the entries of NAME.rdb are packed.
/// <code>
/// compressed  entry
/// 0 (FALSE)   the serialized object
/// 1 (TRUE)    int unpacked length (big-endian), zlib stream
/// 2, 3        int unpacked length (big-endian), a letter, data: '0' as is, '1' zlib, '2' bzip2, 'Z' xz
/// </code>
/// </remarks>
public sealed class LazyLoadDatabase
{
    private readonly string _path;
    private readonly RList _variables;
    private readonly int _compression;

    private LazyLoadDatabase(string path, RList variables, int compression)
    {
        _path = path;
        _variables = variables;
        _compression = compression;
    }

    /// <summary>The names of the data sets.</summary>
    public IReadOnlyList<string> Names => _variables.Names!.Select(name => name ?? "").ToList();

    /// <summary>Opens the two files.</summary>
    /// <param name="pathWithoutExtension">For instance ".../data/Rdata".</param>
    /// <exception cref="InvalidDataException">The index is damaged.</exception>
    public static LazyLoadDatabase Open(string pathWithoutExtension)
    {
        string path = pathWithoutExtension + ".rdx";
        using var gzip = new GZipStream(File.OpenRead(path), CompressionMode.Decompress);
        using var index = new MemoryStream();
        gzip.CopyTo(index);
        return RSerialization.Read(index.ToArray()) is RList list && list["variables"] is RList { Names: not null } variables
            && list["compressed"] is int[] { Length: 1 } compressed
            ? new LazyLoadDatabase(pathWithoutExtension + ".rdb", variables, compressed[0])
            : throw new InvalidDataException($"'{path}' must list 'variables' and say 'compressed', but does not: it is no index of data sets.");
    }

    /// <summary>Reads a data set that is a vector of strings. NA becomes an empty string.</summary>
    /// <exception cref="ArgumentException">There is no data set of that name, or it holds something else.</exception>
    /// <exception cref="InvalidDataException">The file is damaged or packed in a way that can't be read here.</exception>
    public string[] ReadStrings(string name)
    {
        if (_variables[name] is not int[] { Length: 2 } place)
            throw new ArgumentException($"The data set must be one of {string.Join(", ", Names)}, but is '{name}'.", nameof(name));
        return RSerialization.Read(ReadEntry(place[0], place[1])) is string?[] strings
            ? Array.ConvertAll(strings, s => s ?? "")
            : throw new ArgumentException($"The data set must be a vector of strings, but '{name}' is not.", nameof(name));
    }

    private byte[] ReadEntry(int offset, int length)
    {
        using var file = File.OpenRead(_path);
        int header = _compression switch { 0 => 0, 1 => 4, _ => 5 };
        if (offset < 0 || length < header || offset + (long)length > file.Length)
        {
            throw new InvalidDataException(
                $"An entry must lie within the file, but bytes {offset} to {offset + (long)length} of '{_path}' do not: it has {file.Length}.");
        }

        byte[] entry = new byte[length];
        file.Position = offset;
        file.ReadExactly(entry);
        char packing = _compression switch { 0 => '0', 1 => '1', _ => (char)entry[4] };
        return packing switch
        {
            '0' => entry[header..],
            '1' => Inflate(entry, header),
            _ => throw new InvalidDataException(
                $"Entries must be stored or packed with zlib, but '{_path}' uses '{packing}' ('2' is bzip2, 'Z' is xz). " +
                "Save the data again in R with compress = \"gzip\"."),
        };
    }

    private static byte[] Inflate(byte[] entry, int header)
    {
        int unpackedLength = BinaryPrimitives.ReadInt32BigEndian(entry);
        using var zlib = new ZLibStream(new MemoryStream(entry, header, entry.Length - header), CompressionMode.Decompress);
        using var unpacked = new MemoryStream();
        zlib.CopyTo(unpacked);
        return unpacked.Length == unpackedLength
            ? unpacked.ToArray()
            : throw new InvalidDataException($"An entry must unpack to {unpackedLength} bytes, but gives {unpacked.Length}: it is damaged.");
    }
}
