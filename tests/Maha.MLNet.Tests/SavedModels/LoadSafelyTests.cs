using System.IO.Compression;
using System.Reflection;
using System.Text;
using System.Text.Json.Nodes;
using Maha.MLNet.ModelFiles;
using Microsoft.ML;

namespace Maha.MLNet.Tests.SavedModels;

/// <summary>A model that can't be loaded is one exception, whose message is Maha's.</summary>
[Collection(FittedCollection.Name)]
public sealed class LoadSafelyTests(FittedModels fitted) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;
    private readonly MLContext _mlContext = new();

    private string Target => Path.Combine(_folder, "model.zip");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void TheModel_IsThatOfLoad()
    {
        File.WriteAllBytes(Target, fitted.Zip);
        using var expected = (IDisposable)_mlContext.Model.Load(Target, out var expectedSchema);
        using var loaded = (IDisposable)_mlContext.Model.LoadSafely(Target, out var schema);
        Assert.Equal(expectedSchema.Select(column => column.Name), schema!.Select(column => column.Name));
        Assert.Equal(Rows.Of(((ITransformer)expected).Transform(fitted.Training)), Rows.Of(((ITransformer)loaded).Transform(fitted.Training)));

        using var stream = new MemoryStream(fitted.Zip);
        using var fromStream = (IDisposable)_mlContext.Model.LoadSafely(stream, out _);
        Assert.Equal(Rows.Of(((ITransformer)expected).Transform(fitted.Training)), Rows.Of(((ITransformer)fromStream).Transform(fitted.Training)));
        Assert.True(stream.CanRead);
    }

    [Fact]
    public void AModelWithoutASchema_IsLoaded()
    {
        _mlContext.Model.SaveSafely(fitted.Binary, null, Target);
        using var loaded = (IDisposable)_mlContext.Model.LoadSafely(Target, out var schema);
        Assert.Null(schema);
    }

    [Fact]
    public void DamageAtAnyByte_IsOneException_WithTheFileAndTheCause()
    {
        int refused = 0;
        for (int i = 0; i < 60; i++)
        {
            byte[] damaged = [.. fitted.Zip];
            damaged[(int)((long)(damaged.Length - 1) * i / 59)] ^= 16;
            File.WriteAllBytes(Target, damaged);
            try
            {
                ((IDisposable)_mlContext.Model.LoadSafely(Target, out _)).Dispose();
            }
            catch (MahaModelFileException e)
            {
                refused++;
                Assert.StartsWith($"The model file '{Target}'", e.Message, StringComparison.Ordinal);
                Assert.NotNull(e.InnerException);
                Assert.DoesNotContain("target of an invocation", e.Message, StringComparison.Ordinal);
            }
        }
        // The others are bytes that nothing reads, such as times in the zip.
        Assert.InRange(refused, 40, 60);
    }

    [Fact]
    public void AFileThatIsCutOffOrIsNoModel_IsOneException()
    {
        byte[][] files = [.. Enumerable.Range(0, 12).Select(i => fitted.Zip[..(fitted.Zip.Length * i / 12)]), "not a model"u8.ToArray(), OtherZip()];
        foreach (byte[] content in files)
        {
            File.WriteAllBytes(Target, content);
            var e = Assert.Throws<MahaModelFileException>(() => _mlContext.Model.LoadSafely(Target, out _));
            Assert.Contains("must be a whole ML.NET model whose packages are referenced, but can't be loaded", e.Message, StringComparison.Ordinal);
            Assert.Throws<MahaModelFileException>(() => _mlContext.Model.LoadSafely(new MemoryStream(content), out _));
        }
    }

    [Fact]
    public void AModelOfAPackageThatIsMissing_IsOneException()
    {
        File.WriteAllBytes(Target, WithAssembly("Nowhere.ML"));
        var e = Assert.Throws<MahaModelFileException>(() => _mlContext.Model.LoadSafely(Target, out _));
        Assert.Contains("reference the package of its transformers", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ANewerVersion_SaysSoOnce()
    {
        var zip = new ModelZip(fitted.Zip);
        var manifest = JsonNode.Parse(zip["Classifier.json"])!;
        manifest["FormatVersion"] = 999;
        zip["Classifier.json"] = Encoding.UTF8.GetBytes(manifest.ToJsonString());
        zip.Sign();
        File.WriteAllBytes(Target, zip.ToArray());
        var e = Assert.Throws<MahaModelVersionException>(() => _mlContext.Model.LoadSafely(Target, out _));
        Assert.Contains("but the model has format 999", e.Message, StringComparison.Ordinal);
        Assert.Equal(2, e.Message.Split("Update the package Maha.MLNet").Length);
        Assert.IsType<TargetInvocationException>(e.InnerException);
    }

    [Fact]
    public void MissingFilesAndWrongArguments_AreRefused()
    {
        Assert.Contains("There must be a model file", Assert.Throws<FileNotFoundException>(() => Load(Target)).Message, StringComparison.Ordinal);
        Assert.Throws<DirectoryNotFoundException>(() => Load(Path.Combine(_folder, "missing", "model.zip")));
        Assert.Contains("but is a folder", Assert.Throws<UnauthorizedAccessException>(() => Load(_folder)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => Load(null!));
        Assert.Throws<ArgumentException>(() => Load(""));
        Assert.Throws<ArgumentException>(() => Load("\0"));
        Assert.Throws<ArgumentNullException>(() => ((ModelOperationsCatalog)null!).LoadSafely(Target, out _));
        Assert.Throws<ArgumentNullException>(() => _mlContext.Model.LoadSafely((Stream)null!, out _));
        var closed = new MemoryStream();
        closed.Dispose();
        Assert.Throws<ArgumentException>(() => _mlContext.Model.LoadSafely(closed, out _));
    }

    [Fact]
    public void AReadThatFails_IsNamed() => Assert.Contains(
        "The network drive is gone.",
        Assert.Throws<MahaModelFileException>(() => _mlContext.Model.LoadSafely(new UnreadableStream(fitted.Zip), out _)).Message, StringComparison.Ordinal);

    private void Load(string path) => _mlContext.Model.LoadSafely(path, out _);

    private static byte[] OtherZip()
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
            zip.CreateEntry("empty");
        return stream.ToArray();
    }

    // The name of the library's assembly in the headers, replaced by one of the same length.
    private byte[] WithAssembly(string name)
    {
        byte[] known = Encoding.Unicode.GetBytes("Maha.MLNet"), other = Encoding.Unicode.GetBytes(name);
        Assert.Equal(known.Length, other.Length);
        using var stream = new MemoryStream();
        stream.Write(fitted.Zip);
        int changed = 0;
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Update, leaveOpen: true))
        {
            foreach (var entry in zip.Entries.Where(entry => entry.FullName.EndsWith("Model.key", StringComparison.Ordinal)).ToList())
            {
                using var content = entry.Open();
                byte[] bytes = new byte[content.Length];
                content.ReadExactly(bytes);
                for (int at; (at = bytes.AsSpan().IndexOf(known)) >= 0; changed++)
                    other.CopyTo(bytes, at);
                content.Position = 0;
                content.Write(bytes);
            }
        }
        Assert.Equal(1, changed);
        return stream.ToArray();
    }

    private sealed class UnreadableStream(byte[] content) : MemoryStream(content)
    {
        public override int Read(Span<byte> buffer) => throw new IOException("The network drive is gone.");

        public override int Read(byte[] buffer, int offset, int count) => throw new IOException("The network drive is gone.");

        public override int ReadByte() => throw new IOException("The network drive is gone.");
    }
}
