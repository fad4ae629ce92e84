using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Maha.Layers.Kernels;

/// <summary>The CUDA C++ sources in this assembly: kernels (.cu) and what they include (.cuh), by file name.</summary>
internal static class CudaSources
{
    private const string Prefix = "Cuda/";

    private static readonly ConcurrentDictionary<string, string> s_texts = new();

    /// <summary>The file names, in ordinal order.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        .. typeof(CudaSources).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).Select(name => name[Prefix.Length..]).Order(StringComparer.Ordinal),
    ];

    /// <summary>The files that others include.</summary>
    public static IEnumerable<string> Headers => Names.Where(name => name.EndsWith(".cuh", StringComparison.Ordinal));

    /// <summary>Returns the text of a source.</summary>
    /// <exception cref="ArgumentException">There is no such source.</exception>
    public static string Read(string name) => s_texts.GetOrAdd(name, static key =>
    {
        using var stream = typeof(CudaSources).Assembly.GetManifestResourceStream(Prefix + key)
            ?? throw new ArgumentException($"name must be one of {string.Join(", ", Names)}, but is '{key}'.", nameof(name));
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    });

    /// <summary>Returns the SHA-256 of all sources and their names, in hexadecimal: results that were measured with other kernels have another one.</summary>
    public static string Hash() => Hash(Names);

    /// <summary>Returns the SHA-256 of some sources and their names, in hexadecimal.</summary>
    public static string Hash(IEnumerable<string> names) => Hash(names.Select(name => (name, Read(name))));

    /// <summary>Returns the SHA-256 of names and texts, in hexadecimal. It does not depend on the kind of line ends.</summary>
    internal static string Hash(IEnumerable<(string Name, string Text)> sources)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, text) in sources)
            hash.AppendData(Encoding.UTF8.GetBytes($"{name}\0{text.ReplaceLineEndings("\n")}\0"));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
