using System.IO.Compression;
using System.Text;

namespace Maha.Benchmarks.Text;

/// <summary>
/// Text to measure on: the given files, else this system's English manual pages as they are stored (with markup),
/// else generated words. The same files give the same text.
/// </summary>
internal sealed record BenchmarkText(string Source, IReadOnlyList<string> Documents, long NumBytes)
{
    private const string ManualPages = "/usr/share/man";

    public static BenchmarkText Read(IReadOnlyList<string> files, long maxBytes)
    {
        if (files.Count > 0)
        {
            return FromFiles("files", files, maxBytes);
        }

        string[] pages = Directory.Exists(ManualPages)
            ? [.. Directory.EnumerateDirectories(ManualPages, "man?")
                .SelectMany(Directory.EnumerateFiles).Where(f => new FileInfo(f).LinkTarget is null).Order(StringComparer.Ordinal)]
            : [];
        return pages.Length >= 1000 ? FromFiles(ManualPages, pages, maxBytes) : Generate(maxBytes);
    }

    private static BenchmarkText FromFiles(string source, IEnumerable<string> files, long maxBytes)
    {
        var documents = new List<string>();
        long bytes = 0;
        foreach (string file in files)
        {
            using Stream raw = File.OpenRead(file);
            using var content = file.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(raw, CompressionMode.Decompress) : raw;
            using var reader = new StreamReader(content);
            string text = reader.ReadToEnd();
            int length = Encoding.UTF8.GetByteCount(text);
            if (bytes + length > maxBytes)
            {
                text = text[..(int)Math.Min(text.Length, maxBytes - bytes)];
                length = Encoding.UTF8.GetByteCount(text);
            }

            documents.Add(text);
            bytes += length;
            if (bytes >= maxBytes)
            {
                break;
            }
        }

        return new BenchmarkText(source, documents, bytes);
    }

    /// <summary>Generated words whose frequencies follow Zipf's law, in sentences and paragraphs.</summary>
    private static BenchmarkText Generate(long maxBytes)
    {
        var random = new Random(1);
        string[] words = new string[200_000];
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = string.Concat(Enumerable.Range(0, random.Next(1, 3 + i / 50_000)).Select(_ =>
                "bcdfghklmnprstvw"[random.Next(16)].ToString() + "aeiou"[random.Next(5)] + (random.Next(3) == 0 ? "nrst"[random.Next(4)] : "")));
        }

        var documents = new List<string>();
        long bytes = 0;
        while (bytes < maxBytes)
        {
            var text = new StringBuilder();
            while (text.Length < 20_000 && bytes + text.Length < maxBytes)
            {
                // The inverse of Zipf's distribution function with exponent 1.
                text.Append(words[(int)Math.Pow(words.Length, random.NextDouble()) - 1]);
                text.Append(random.Next(12) switch { 0 => ". ", 1 => ", ", 2 when random.Next(5) == 0 => ".\n\n", _ => " " });
            }

            documents.Add(text.ToString());
            bytes += text.Length;
        }

        return new BenchmarkText("generated", documents, bytes);
    }
}
