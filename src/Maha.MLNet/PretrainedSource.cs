using System.Diagnostics.CodeAnalysis;

namespace Maha.MLNet;

/// <summary>The place that a pretrained model comes from: files, or a package of weights.</summary>
/// <remarks>
/// A path converts to it, so <c>PretrainedModel = "folder/of/the/model"</c> works; packages of weights add members to <see cref="MahaPretrained"/>. Nothing is
/// read before training starts, and nothing is ever downloaded.
/// </remarks>
public sealed class PretrainedSource
{
    private PretrainedSource(string name, string? path, Func<Stream>? openCheckpoint)
    {
        Name = name;
        Path = path;
        OpenCheckpoint = openCheckpoint;
    }

    /// <summary>The name for messages: the path, or the name of the model in a package.</summary>
    public string Name { get; }

    /// <summary>The path of a file or folder; null for a model from a package.</summary>
    internal string? Path { get; }

    /// <summary>Opens the packed checkpoint of a model from a package; null for a path. The caller disposes the stream.</summary>
    internal Func<Stream>? OpenCheckpoint { get; }

    /// <summary>Creates the source of a model in files.</summary>
    /// <param name="path">The path of a file or folder. It is not checked before the model is read.</param>
    /// <returns>The source.</returns>
    /// <exception cref="ArgumentException"><paramref name="path"/> is null, empty or white space.</exception>
    public static PretrainedSource FromPath(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (string.IsNullOrWhiteSpace(path))
        {
            throw new ArgumentException(
                "PretrainedModel must be the path of a file or folder, but is empty. Leave it null to start from random weights.", nameof(path));
        }
        return new PretrainedSource(path, path, openCheckpoint: null);
    }

    /// <summary>Converts a path to a source. Null stays null, which means no pretrained model.</summary>
    /// <param name="path">The path of a file or folder, or null.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or white space.</exception>
    [return: NotNullIfNotNull(nameof(path))]
    public static implicit operator PretrainedSource?(string? path) => path is null ? null : FromPath(path);

    /// <summary>Returns the name.</summary>
    /// <returns>The name.</returns>
    public override string ToString() => Name;

    /// <summary>Creates the source of a model in a package of weights.</summary>
    /// <param name="name">The name of the model.</param>
    /// <param name="open">Opens the packed checkpoint. It can be called many times and from any thread.</param>
    internal static PretrainedSource FromCheckpoint(string name, Func<Stream> open) => new(name, path: null, open);
}
