using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Microsoft.ML;

namespace Maha.MLNet.Tests;

/// <summary>A saved model as its streams.</summary>
internal sealed class ModelZip
{
    private readonly Dictionary<string, byte[]> _entries = [];
    private readonly string _manifest;

    public ModelZip(byte[] zip, string manifest = "Classifier.json")
    {
        _manifest = manifest;
        using var archive = new ZipArchive(new MemoryStream(zip));
        foreach (var entry in archive.Entries)
        {
            using var content = new MemoryStream();
            using (var stream = entry.Open())
                stream.CopyTo(content);
            _entries[entry.FullName] = content.ToArray();
        }
        Folder = _entries.Keys.Single(name => name.EndsWith(manifest, StringComparison.Ordinal))[..^manifest.Length];
    }

    /// <summary>The folder of the model's streams, with a trailing slash.</summary>
    public string Folder { get; }

    /// <summary>A stream of the model.</summary>
    public byte[] this[string stream]
    {
        get => _entries[Folder + stream];
        set => _entries[Folder + stream] = value;
    }

    public void Remove(string stream) => _entries.Remove(Folder + stream);

    /// <summary>Updates the checksums to those of the current streams.</summary>
    public void Sign()
        => this["Checksums"] = Encoding.UTF8.GetBytes(string.Concat(new[] { _manifest, "Tokenizer", "Weights.safetensors", "NGrams", "SpectralTokenizer" }
            .Where(name => _entries.ContainsKey(Folder + name))
            .Select(name => $"{Convert.ToHexStringLower(SHA256.HashData(this[name]))} {name}\n")));

    public byte[] ToArray(CompressionLevel compression = CompressionLevel.NoCompression)
    {
        using var zip = new MemoryStream();
        using (var archive = new ZipArchive(zip, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in _entries)
            {
                using var stream = archive.CreateEntry(name, compression).Open();
                stream.Write(content);
            }
        }
        return zip.ToArray();
    }

    /// <summary>The model as a file.</summary>
    public static byte[] Save(MLContext mlContext, ITransformer model, DataViewSchema schema)
    {
        using var stream = new MemoryStream();
        mlContext.Model.Save(model, schema, stream);
        return stream.ToArray();
    }

    /// <summary>The names and contents of all streams of a file, without the times of the zip.</summary>
    public static byte[] Content(byte[] zip)
    {
        using var content = new MemoryStream();
        using var archive = new ZipArchive(new MemoryStream(zip));
        foreach (var entry in archive.Entries.OrderBy(entry => entry.FullName, StringComparer.Ordinal))
        {
            content.Write(Encoding.UTF8.GetBytes(entry.FullName));
            using var stream = entry.Open();
            stream.CopyTo(content);
        }
        return content.ToArray();
    }

    public static ITransformer Load(byte[] zip) => new MLContext().Model.Load(new MemoryStream(zip), out _);
}
