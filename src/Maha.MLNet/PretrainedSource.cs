namespace Maha.MLNet;

/// <summary>Where pretrained weights come from: a path, or a package of weights.</summary>
public sealed class PretrainedSource
{
    private PretrainedSource(string name, string? path, Func<Stream>? openCheckpoint)
    {
        (Name, Path, OpenCheckpoint) = (name, path, openCheckpoint);
    }

    /// <summary>The name in messages.</summary>
    public string Name { get; }

    internal string? Path { get; }

    internal Func<Stream>? OpenCheckpoint { get; }

    /// <summary>Names a file or folder.</summary>
    /// <param name="path">The path.</param>
    public static PretrainedSource FromPath(string path) => new(path, path, null);

    /// <summary>Names a file or folder.</summary>
    /// <param name="path">The path; null for none.</param>
    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(path))]
    public static implicit operator PretrainedSource?(string? path) => path is null ? null : FromPath(path);

    internal static PretrainedSource FromCheckpoint(string name, Func<Stream> open) => new(name, null, open);
}
