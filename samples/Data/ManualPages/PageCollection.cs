using System.Collections.Concurrent;
using System.IO.Compression;
using System.Security.Cryptography;

namespace Maha.Samples.Data.ManualPages;

/// <summary>The pages below a folder of unpacked packages, without links, stubs and identical copies.</summary>
public sealed class PageCollection
{
    private PageCollection(IReadOnlyList<PageFile> pages, int files, int links, int stubs, int copies)
    {
        Pages = pages;
        Files = files;
        Links = links;
        Stubs = stubs;
        Copies = copies;
    }

    /// <summary>One file for each distinct page, by name, then package (ordinal order).</summary>
    public IReadOnlyList<PageFile> Pages { get; }

    /// <summary>How many regular files there are.</summary>
    public int Files { get; }

    /// <summary>How many symbolic links were passed over.</summary>
    public int Links { get; }

    /// <summary>How many files only name another page (".so man3/other.3").</summary>
    public int Stubs { get; }

    /// <summary>How many files were byte for byte like another one.</summary>
    public int Copies { get; }

    /// <summary>Reads a folder that holds one folder a package.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public static PageCollection Read(string folder)
    {
        int links = 0;
        var files = new List<PageFile>();
        foreach (string package in Directory.GetDirectories(folder))
        {
            foreach (var file in new DirectoryInfo(package).EnumerateFiles("*", SearchOption.AllDirectories))
            {
                if (file.LinkTarget is not null)
                    links++;
                else
                    files.Add(new PageFile(Path.GetFileName(package), NameWithoutGz(file.Name), file.FullName));
            }
        }

        files.Sort((a, b) => Compare(a, b));

        int stubs = 0;
        var firstOf = new ConcurrentDictionary<string, PageFile>();
        Parallel.ForEach(files, file =>
        {
            byte[] source = ReadSource(file.Path);
            if (IsStub(source))
            {
                Interlocked.Increment(ref stubs);
                return;
            }

            // Of several copies the first in order stays, whichever thread comes first.
            firstOf.AddOrUpdate(
                Convert.ToHexString(SHA256.HashData(source)),
                file,
                (_, other) => Compare(file, other) < 0 ? file : other);
        });

        var pages = firstOf.Values.ToList();
        pages.Sort((a, b) => Compare(a, b));
        return new PageCollection(pages, files.Count, links, stubs, files.Count - stubs - pages.Count);
    }

    /// <summary>True when the source's first request is ".so": the page is another file's.</summary>
    internal static bool IsStub(ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            int end = source.IndexOf((byte)'\n');
            var line = end < 0 ? source : source[..end];
            source = end < 0 ? [] : source[(end + 1)..];
            bool isComment = line.StartsWith(".\\\""u8) || line.StartsWith("'\\\""u8) || line.StartsWith("\\\""u8);
            if (!isComment && !line.Trim(" \t\r."u8).IsEmpty)
                return line.StartsWith(".so "u8);
        }

        return false;
    }

    internal static int Compare(PageFile a, PageFile b)
    {
        int byName = string.CompareOrdinal(a.Name, b.Name);
        int byPackage = byName != 0 ? byName : string.CompareOrdinal(a.Package, b.Package);
        return byPackage != 0 ? byPackage : string.CompareOrdinal(a.Path, b.Path);
    }

    private static string NameWithoutGz(string name) => name.EndsWith(".gz", StringComparison.Ordinal) ? name[..^3] : name;

    private static byte[] ReadSource(string path)
    {
        using var file = File.OpenRead(path);
        if (!path.EndsWith(".gz", StringComparison.Ordinal))
        {
            byte[] plain = new byte[file.Length];
            file.ReadExactly(plain);
            return plain;
        }

        using var gzip = new GZipStream(file, CompressionMode.Decompress);
        using var source = new MemoryStream();
        gzip.CopyTo(source);
        return source.ToArray();
    }
}
