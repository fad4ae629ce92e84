using Maha.Layers.Core;
using Maha.TestData;

namespace Maha.Layers.Tests.Core;

public sealed class AtomicFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    private string Target => Path.Combine(_folder, "file");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void AFile_IsReplaced_AndNothingElseRemains()
    {
        Write([1]);
        Write([2, 3]);
        Assert.Equal([2, 3], File.ReadAllBytes(Target));
        Assert.Single(Directory.GetFiles(_folder));
    }

    // Errors of a full disk: Linux, macOS, exceeded quota, Windows.
    [Theory]
    [InlineData(28)]
    [InlineData(122)]
    [InlineData(unchecked((int)0x80070070))]
    public void AFullDisk_LeavesTheOldFile_AtEveryByte(int error)
    {
        Write([1, 2, 3]);
        for (int space = 0; space < 10; space++)
        {
            var e = Assert.Throws<IOException>(() => AtomicFile.Write(
                Target, stream => stream.Write(new byte[10]), stream => new FailingStream(stream, space, () => new IOException("device", error))));
            Assert.Contains("must have space", e.Message, StringComparison.Ordinal);
            Assert.Contains("The file that was there is unchanged.", e.Message, StringComparison.Ordinal);
            Assert.Equal([1, 2, 3], File.ReadAllBytes(Target));
            Assert.Single(Directory.GetFiles(_folder));
        }
    }

    [Fact]
    public void AFullDisk_WithoutAnOldFile_LeavesNothing()
    {
        var e = Assert.Throws<IOException>(() => AtomicFile.Write(
            Target, stream => stream.Write(new byte[10]), stream => new FailingStream(stream, 5, () => new IOException("broken cable", 5))));
        Assert.Contains("broken cable", e.Message, StringComparison.Ordinal);
        Assert.Contains("No file was written.", e.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void AFailureAtTheEnd_LeavesTheOldFile()
    {
        Write([1]);
        Assert.Throws<IOException>(() => AtomicFile.Write(
            Target, stream => stream.Write(new byte[10]), stream => new FailingStream(stream, 10, () => new IOException("full", 28))));
        Assert.Equal([1], File.ReadAllBytes(Target));
    }

    [Fact]
    public void AnotherException_IsThrownAsItIs()
    {
        Write([1]);
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(Target, stream =>
        {
            stream.WriteByte(2);
            throw new InvalidOperationException();
        }));
        Assert.Equal([1], File.ReadAllBytes(Target));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void AMissingFolder_IsNamed()
    {
        string path = Path.Combine(_folder, "missing", "file");
        var e = Assert.Throws<DirectoryNotFoundException>(() => AtomicFile.Write(path, stream => stream.WriteByte(1)));
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        Assert.Contains("Create the folder", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void AFolderThatIsRemovedMeanwhile_GivesAnIOException()
    {
        string folder = Path.Combine(_folder, "gone");
        Directory.CreateDirectory(folder);
        Assert.ThrowsAny<IOException>(() => AtomicFile.Write(Path.Combine(folder, "file"), stream =>
        {
            stream.WriteByte(1);
            Directory.Delete(folder, recursive: true);
        }));
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void AFolder_IsNotReplaced()
    {
        Directory.CreateDirectory(Target);
        var e = Record.Exception(() => Write([1]));
        Assert.True(e is IOException or UnauthorizedAccessException, $"{e}");
        Assert.True(Directory.Exists(Target));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void ALinkStays_AndItsFileIsReplaced()
    {
        string link = Path.Combine(_folder, "link");
        Write([1]);
        File.CreateSymbolicLink(link, Target);
        AtomicFile.Write(link, stream => stream.WriteByte(2));
        Assert.NotNull(new FileInfo(link).LinkTarget);
        Assert.Equal([2], File.ReadAllBytes(Target));
    }

    [Fact]
    public void APartialFileOfAKilledProcess_IsReplaced()
    {
        File.WriteAllBytes(Target + AtomicFile.PartialSuffix, new byte[100]);
        Write([1]);
        Assert.Equal([1], File.ReadAllBytes(Target));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void TheRightsOfAFile_Stay()
    {
        if (OperatingSystem.IsWindows())
            return;
        Write([1]);
        const UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        File.SetUnixFileMode(Target, mode);
        Write([2]);
        Assert.Equal(mode, File.GetUnixFileMode(Target));
    }

    private void Write(byte[] content) => AtomicFile.Write(Target, stream => stream.Write(content));
}
