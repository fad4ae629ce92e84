using System.IO.Compression;
using System.Xml.Linq;

namespace Maha.Build.Tests.Packages;

/// <summary>The packages that <c>dotnet pack</c> creates from the build output, in a folder that is a package source.</summary>
public sealed class PackageFeed : IDisposable
{
    public PackageFeed()
    {
        foreach (string name in new[] { "Maha.Layers", "Maha.MLNet", "Maha.Pretrained.MiniLM", "Maha.Documents", "Maha.Onnx", "Maha.Extensions.AI" })
            Pack(name);
    }

    /// <summary>The folder.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    /// <summary>A version that no package cache has.</summary>
    public string Version { get; } = $"0.1.0-test.{DateTime.UtcNow:yyyyMMddHHmmssfff}";

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>Packs a project.</summary>
    /// <returns>The output of the command.</returns>
    public string Pack(string name)
    {
        var (exitCode, output, error) = Facts.Dotnet(Facts.Root,
            ["pack", Path.Combine("src", name), "--no-build", "-nologo", "-c", Facts.Configuration, "-o", Folder, $"-p:PackageVersion={Version}"]);
        Assert.True(exitCode == 0, output + error);
        return output;
    }

    /// <summary>The files of a package and their bytes.</summary>
    public Dictionary<string, byte[]> Files(string name, string extension = "nupkg")
    {
        using var archive = ZipFile.OpenRead(Path.Combine(Folder, $"{name}.{Version}.{extension}"));
        return archive.Entries.ToDictionary(entry => entry.FullName, entry =>
        {
            using var stream = entry.Open();
            using var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            return bytes.ToArray();
        });
    }

    /// <summary>Returns the manifest of a package.</summary>
    public XElement Metadata(string name)
    {
        using var stream = new MemoryStream(Files(name)[$"{name}.nuspec"]);
        var document = XDocument.Load(stream);
        foreach (var element in document.Descendants())
            element.Name = element.Name.LocalName;
        return document.Root!.Element("metadata")!;
    }
}
