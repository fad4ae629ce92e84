using Maha.Layers.Kernels;

namespace Maha.Layers.Tests.Kernels.Cuda;

public sealed class CudaCodeFolderTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"maha-{Guid.NewGuid():N}");

    [Fact]
    public void WhatIsWritten_IsRead()
    {
        var folder = new CudaCodeFolder(_path);
        Assert.Null(folder.Read("key"));
        folder.Write("key", [1, 2, 3]);
        folder.Write("other", [4]);
        Assert.Equal([1, 2, 3], folder.Read("key")!);
        folder.Write("key", [5, 6]);
        Assert.Equal([5, 6], folder.Read("key")!);

        // No file of a half-done write is left.
        Assert.Equal(2, Directory.GetFiles(_path).Length);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(33)]
    public void ADamagedFile_IsIgnored(int cut)
    {
        var folder = new CudaCodeFolder(_path);
        folder.Write("key", [1, 2, 3]);
        string file = Path.Combine(_path, "key");
        byte[] content = File.ReadAllBytes(file);
        if (cut < 0)
            content[^1] ^= 1;
        File.WriteAllBytes(file, cut < 0 ? content : content[..cut]);
        Assert.Null(folder.Read("key"));
        folder.Write("key", [1, 2, 3]);
        Assert.Equal([1, 2, 3], folder.Read("key")!);
    }

    [Fact]
    public void AFolderThatCannotExist_KeepsNothing()
    {
        File.WriteAllText(_path, "a file, so that no folder can have its name");
        var folder = new CudaCodeFolder(Path.Combine(_path, "cuda"));
        folder.Write("key", [1]);
        Assert.Null(folder.Read("key"));
        var none = new CudaCodeFolder(null);
        none.Write("key", [1]);
        Assert.Null(none.Read("key"));
    }

    [Fact]
    public async Task ManyWriters_LeaveAWholeFile()
    {
        // Threads of their own, which start together: a writer that another refuses would find no file to read at the start.
        const int Writers = 8;
        var folder = new CudaCodeFolder(_path);
        byte[][] codes = [.. Enumerable.Range(0, Writers).Select(i => Enumerable.Repeat((byte)i, 50_000).ToArray())];
        using var start = new Barrier(Writers);
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                for (int i = 0; i < 10; i++)
                {
                    folder.Write("key", codes[writer]);
                    Assert.Contains(folder.Read("key")!, codes);
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));
        Assert.Single(Directory.GetFiles(_path));
    }

    public void Dispose()
    {
        if (Directory.Exists(_path))
            Directory.Delete(_path, recursive: true);
        File.Delete(_path);
    }
}
