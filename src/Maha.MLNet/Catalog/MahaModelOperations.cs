using Maha.Layers.Core;

namespace Microsoft.ML;

/// <summary>Extends <c>mlContext.Model</c>.</summary>
public static class MahaModelOperations
{
    /// <summary>
    /// Saves a model to a file that is complete or not there: the model is written to a file beside, which takes the name when it is complete and on the disk.
    /// </summary>
    /// <remarks>
    /// <c>Model.Save</c> with a path empties an existing file before it writes. If the process is killed or the disk is full, the old model is lost and the new
    /// one is not whole. This method keeps the old file until the new one is complete. The file is the same as that of <c>Model.Save</c>.
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
        ArgumentException.ThrowIfNullOrEmpty(filePath);
        AtomicFile.Write(filePath, stream => model.Save(transformer, inputSchema, stream));
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
        ArgumentException.ThrowIfNullOrEmpty(filePath);
        AtomicFile.Write(filePath, stream => model.Save(transformer, loader, stream));
    }
}
