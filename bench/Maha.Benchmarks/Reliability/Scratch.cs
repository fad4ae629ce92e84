namespace Maha.Benchmarks.Reliability;

/// <summary>A folder that is deleted in the end.</summary>
internal sealed class Scratch : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("maha-bench-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
