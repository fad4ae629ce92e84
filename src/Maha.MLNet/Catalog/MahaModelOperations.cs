using System.Reflection;
using Maha.Layers.Core;
using Maha.Layers.Distributed;
using Maha.MLNet.ModelFiles;

namespace Microsoft.ML;

/// <summary>Extends <c>mlContext.Model</c>.</summary>
public static class MahaModelOperations
{
    /// <summary>
    /// Saves a model to a file that is complete or not there: the model is written to a file beside, which takes the name when it is complete and on the disk.
    /// </summary>
    /// <remarks>
    /// <c>Model.Save</c> with a path empties an existing file before it writes. If the process is killed or the disk is full, the old model is lost and the new
    /// one is not whole. This method keeps the old file until the new one is complete. The file is the same as that of <c>Model.Save</c>. Of processes that
    /// have trained together (<see cref="Maha.MLNet.DistributedTraining.Auto"/>), process 0 writes the file, and the others do nothing.
    /// </remarks>
    /// <param name="model">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="transformer">The model, of Maha or any other.</param>
    /// <param name="inputSchema">The schema of the input; null if it is not to be saved.</param>
    /// <param name="filePath">The path of the file. An existing file is replaced when the new one is complete.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">The process may not write the file. An existing file is unchanged.</exception>
    /// <exception cref="IOException">The file can't be written, for instance because the disk is full. An existing file is unchanged.</exception>
    public static void SaveSafely(this ModelOperationsCatalog model, ITransformer transformer, DataViewSchema? inputSchema, string filePath)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(transformer);
        AtomicFile.RequirePath(filePath);
        Write(filePath, stream => model.Save(transformer, inputSchema, stream));
    }

    /// <summary>
    /// Saves a model and the loader of its data to a file that is complete or not there; see
    /// <see cref="SaveSafely(ModelOperationsCatalog, ITransformer, DataViewSchema, string)"/>.
    /// </summary>
    /// <typeparam name="TSource">What the loader reads.</typeparam>
    /// <param name="model">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="transformer">The model, of Maha or any other.</param>
    /// <param name="loader">The loader of the data.</param>
    /// <param name="filePath">The path of the file. An existing file is replaced when the new one is complete.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">The process may not write the file. An existing file is unchanged.</exception>
    /// <exception cref="IOException">The file can't be written, for instance because the disk is full. An existing file is unchanged.</exception>
    public static void SaveSafely<TSource>(this ModelOperationsCatalog model, ITransformer transformer, IDataLoader<TSource> loader, string filePath)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(transformer);
        ArgumentNullException.ThrowIfNull(loader);
        AtomicFile.RequirePath(filePath);
        Write(filePath, stream => model.Save(transformer, loader, stream));
    }

    // The processes that train together have the same model, and often the same folder.
    private static void Write(string filePath, Action<Stream> write)
    {
        if (ProcessGroups.Joined is not { IsRoot: false })
            AtomicFile.Write(filePath, write);
    }

    /// <summary>
    /// Loads a model from a file. A file that can't be loaded is a <see cref="MahaModelFileException"/>, whose message names the file and says what is wrong
    /// with it.
    /// </summary>
    /// <remarks>
    /// <c>Model.Load</c> creates the parts of a model by reflection. It wraps their exceptions in a <see cref="TargetInvocationException"/>, whose message
    /// says nothing, and throws exceptions of .NET's zip reader for a file that is cut off. The model is the same as that of <c>Model.Load</c>.
    /// </remarks>
    /// <param name="model">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="filePath">The path of the file, which <c>SaveSafely</c> or <c>Save</c> wrote. It may hold a model of Maha or any other.</param>
    /// <param name="inputSchema">The schema of the input; null if the file has none.</param>
    /// <returns>The model. If it has a transformer of Maha, it owns native memory: dispose it.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">The process may not read the file.</exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="InvalidOperationException">The model can't be used on this machine, for instance since there is no such GPU.</exception>
    /// <exception cref="MahaModelVersionException">A newer version of this library wrote the file.</exception>
    /// <exception cref="MahaModelFileException">
    /// The file is damaged, is not an ML.NET model, or needs a package that is not there. The exception of ML.NET is inside.
    /// </exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public static ITransformer LoadSafely(this ModelOperationsCatalog model, string filePath, out DataViewSchema? inputSchema)
    {
        ArgumentNullException.ThrowIfNull(model);
        AtomicFile.RequirePath(filePath);
        using var stream = OpenForReading(filePath);
        try
        {
            return model.Load(stream, out inputSchema);
        }
        catch (Exception e) when (Refusal(e, filePath) is { } refusal)
        {
            throw refusal;
        }
    }

    /// <summary>Loads a model from a stream; see <see cref="LoadSafely(ModelOperationsCatalog, string, out DataViewSchema)"/>.</summary>
    /// <param name="model">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="stream">A stream that holds the model and nothing else. It stays open.</param>
    /// <param name="inputSchema">The schema of the input; null if the model has none.</param>
    /// <returns>The model. If it has a transformer of Maha, it owns native memory: dispose it.</returns>
    /// <exception cref="ArgumentException">The stream is not one for reading, or is closed.</exception>
    /// <exception cref="IOException">Reading fails.</exception>
    /// <exception cref="InvalidOperationException">The model can't be used on this machine, for instance since there is no such GPU.</exception>
    /// <exception cref="MahaModelVersionException">A newer version of this library wrote the model.</exception>
    /// <exception cref="MahaModelFileException">
    /// The stream is damaged, is not an ML.NET model, or needs a package that is not there. The exception of ML.NET is inside.
    /// </exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public static ITransformer LoadSafely(this ModelOperationsCatalog model, Stream stream, out DataViewSchema? inputSchema)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(stream);
        if (!stream.CanRead)
            throw new ArgumentException("stream must be one that can be read, but can't be. Open it for reading.", nameof(stream));
        try
        {
            return model.Load(stream, out inputSchema);
        }
        catch (Exception e) when (Refusal(e, file: null) is { } refusal)
        {
            throw refusal;
        }
    }

    private static FileStream OpenForReading(string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (FileNotFoundException e)
        {
            throw new FileNotFoundException($"There must be a model file '{path}', but there is none. Save the model there, or name another file.", path, e);
        }
        catch (DirectoryNotFoundException e)
        {
            throw new DirectoryNotFoundException(
                $"The folder of a model file must exist, but that of '{path}' does not. Name another file, or save the model there.", e);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UnauthorizedAccessException(
                $"'{path}' must be a file that this process may read, but is {(Directory.Exists(path) ? "a folder" : "not")}. Name a file, or change its rights.", e);
        }
    }

    // What the caller is told; null for exceptions that need no other message.
    private static Exception? Refusal(Exception thrown, string? file)
    {
        string subject = file is null ? "The model" : $"The model file '{file}'";
        var cause = thrown;
        while (cause is TargetInvocationException { InnerException: { } inner })
            cause = inner;
        return cause switch
        {
            MahaModelVersionException version => new MahaModelVersionException($"{subject}: {version.Problem}", thrown),
            MahaModelFileException => new MahaModelFileException($"{subject}: {cause.Message}", thrown),
            TorchUnavailableException when !ReferenceEquals(cause, thrown) => new TorchUnavailableException(cause.Message, thrown),
            TorchUnavailableException or OutOfMemoryException => null,
            // What a part says of the machine rather than of the file, for instance that there is no such GPU.
            InvalidOperationException when !ReferenceEquals(cause, thrown) => new InvalidOperationException(cause.Message, thrown),
            // A read that fails, for instance of a network drive. The reader of zips has exceptions of its own for damage.
            IOException when cause is not (EndOfStreamException or FileNotFoundException or FileLoadException) => null,
            _ => new MahaModelFileException(
                $"{subject} must be a whole ML.NET model whose packages are referenced, but can't be loaded: {Describe(cause)} " +
                "Save or copy the model again, or reference the package of its transformers.", thrown),
        };
    }

    // The message of an exception and that of its first cause: ML.NET says that it can't open a zip, and the cause why.
    private static string Describe(Exception e)
    {
        string[] messages = [.. new[] { e.Message, e.GetBaseException().Message }.Distinct().Select(message => message.TrimEnd('.') + ".")];
        return string.Join(' ', messages);
    }
}
