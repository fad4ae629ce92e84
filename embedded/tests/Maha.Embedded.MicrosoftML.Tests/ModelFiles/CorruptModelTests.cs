using System.IO.Compression;
using System.Text;
using Microsoft.ML;

namespace Maha.Embedded.MicrosoftML.Tests.ModelFiles;

public sealed class CorruptModelTests
{
    private readonly MLContext _context = new(1);
    private readonly byte[] _zip;

    public CorruptModelTests()
    {
        IDataView data = _context.Data.LoadFromEnumerable(SamplePipeline.Rows());
        ITransformer model = SamplePipeline.Fit(_context, data);
        using var stream = new MemoryStream();
        _context.Model.Save(model, model.Transform(data).Schema, stream);
        _zip = stream.ToArray();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(100)]
    [InlineData(2000)]
    public void TruncatedZip_IsAFormatException(int length)
    {
        FormatException error = Assert.Throws<FormatException>(() => Load(_zip[..length]));

        Assert.Contains("Failed to open a zip archive", error.Message);
    }

    [Fact]
    public void NoModelInTheZip_IsAFormatException()
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
            zip.CreateEntry("readme.txt");

        FormatException error = Assert.Throws<FormatException>(() => Load(stream.ToArray()));

        Assert.Contains("TransformerChain/Model.key", error.Message);
    }

    [Fact]
    public void MissingPart_IsNamed()
    {
        byte[] bytes = Edit(_zip, "TransformerChain/Transform_002/Model.key", null);

        Exception error = Assert.ThrowsAny<Exception>(() => Load(bytes));

        Assert.Contains("TransformerChain/Transform_002", error.Message);
    }

    // 0x0C: the version of the frame needed to read it; 0x4C: the version of the component.
    [Theory]
    [InlineData(0x0C, "File is too new")]
    [InlineData(0x4C, "too new")]
    public void NewerVersion_SaysSo(int offset, string message)
    {
        byte[] bytes = Edit(_zip, "TransformerChain/Model.key", content =>
        {
            BitConverter.TryWriteBytes(content.AsSpan(offset - 4), 0x00020002u);
            BitConverter.TryWriteBytes(content.AsSpan(offset), 0x00020001u);
            return content;
        });

        Exception error = Assert.ThrowsAny<Exception>(() => Load(bytes));

        Assert.Contains(message, Messages(error));
    }

    [Fact]
    public void UnknownLoaderAssembly_IsNamed()
    {
        byte[] bytes = Edit(_zip, "TransformerChain/Model.key", content =>
        {
            int at = content.AsSpan().IndexOf(Encoding.Unicode.GetBytes("Microsoft"));
            Encoding.Unicode.GetBytes("Macrosoft").CopyTo(content, at);
            return content;
        });

        Exception error = Assert.Throws<FormatException>(() => Load(bytes));

        Assert.Contains("Macrosoft.ML.Data", error.Message);
        Assert.Contains("Reference it", error.Message);
    }

    [Fact]
    public void AnyChangedByte_LoadsOrThrowsAnOrdinaryException()
    {
        var random = new Random(17);
        string[] entries = ["Schema", "TransformerChain/Model.key", "TransformerChain/Transform_001/Model.key", "TransformerChain/Transform_001/Vocabulary/Model.key",
            "TransformerChain/Transform_002/Model.key", "TransformerChain/Transform_007/Model.key"];
        int refused = 0;
        for (int i = 0; i < 300; i++)
        {
            byte[] bytes = Edit(_zip, entries[i % entries.Length], content =>
            {
                int changes = 1 + random.Next(3);
                for (int c = 0; c < changes; c++)
                    content[random.Next(content.Length)] = (byte)random.Next(256);
                return i % 5 == 0 ? content[..random.Next(content.Length)] : content;
            });
            try
            {
                Load(bytes);
            }
            catch (Exception ex) when (ex is FormatException or InvalidOperationException or ArgumentException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 100, 300);
    }

    [Fact]
    public void ChangedByteOfTheArchive_LoadsOrThrowsAnOrdinaryException()
    {
        var random = new Random(3);
        for (int i = 0; i < 200; i++)
        {
            byte[] bytes = [.. _zip];
            for (int c = 0; c < 4; c++)
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            try
            {
                Load(bytes);
            }
            catch (Exception ex) when (ex is FormatException or InvalidOperationException or ArgumentException)
            {
            }
        }
    }

    [Fact]
    public void LoadingAndSaving_LeaveNoTemporaryFiles()
    {
        string folder = Directory.CreateTempSubdirectory().FullName;
        try
        {
            var context = new MLContext { TempFilePath = folder };
            using var stream = new MemoryStream(_zip);
            ITransformer model = context.Model.Load(stream, out DataViewSchema schema);
            context.Model.Save(model, schema, new MemoryStream());
            Assert.Throws<FormatException>(() => context.Model.Load(new MemoryStream(Edit(_zip, "Schema", c => c[..50])), out _));

            Assert.Empty(Directory.GetFileSystemEntries(folder));
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    private static ITransformer Load(byte[] zip)
    {
        using var stream = new MemoryStream(zip);
        return new MLContext().Model.Load(stream, out _);
    }

    private static string Messages(Exception? error) => error == null ? "" : error.Message + "\n" + Messages(error.InnerException);

    private static byte[] Edit(byte[] zip, string name, Func<byte[], byte[]>? edit)
    {
        using var stream = new MemoryStream();
        stream.Write(zip);
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Update, leaveOpen: true))
        {
            ZipArchiveEntry entry = archive.GetEntry(name)!;
            using var content = new MemoryStream();
            using (Stream old = entry.Open())
                old.CopyTo(content);
            entry.Delete();
            if (edit != null)
            {
                using Stream changed = archive.CreateEntry(name).Open();
                changed.Write(edit(content.ToArray()));
            }
        }
        return stream.ToArray();
    }
}
