using Maha.Documents;
using Maha.Documents.Bridge;
using Maha.Documents.Files;

// In the namespace of the catalog that it extends, so that no other using is needed.
namespace Microsoft.ML;

/// <summary>Extends <c>mlContext.Data</c>.</summary>
public static class DocumentsCatalog
{
    /// <summary>
    /// Loads a folder of documents, or one file, of plain text, HTML, Markdown, JSON lines or CSV. Documents are streamed: at most one is in memory.
    /// </summary>
    /// <remarks>
    /// <para>
    /// The columns are <c>Text</c>, <c>Label</c> (the name of the file's folder, or a column or property of the record) and <c>Path</c> (relative to the
    /// folder, with slashes), of type Text, and <c>Line</c> (the line of the file at which the document starts, from 1), of type Int64. Files are in the
    /// ordinal order of their paths, which is the same in every pass and on every system.
    /// </para>
    /// <para>
    /// The files are listed by this call and read by each pass. Files and folders whose name starts with a dot are left out. A document that can't be read is
    /// skipped, listed in <see cref="DocumentDataView.Summary"/>, passed to <see cref="DocumentLoaderOptions.OnSkipped"/> and written as a warning to
    /// <c>MLContext.Log</c>, with file, line and reason. The rows and the skipped documents together are all documents.
    /// </para>
    /// </remarks>
    /// <param name="catalog">The catalog: <c>mlContext.Data</c>.</param>
    /// <param name="path">The path of a folder or of a file.</param>
    /// <param name="pattern">
    /// The files of the folder and of its folders that are read, as a glob such as <c>**/*.html</c>, in which case does not matter; null for all of them. Must
    /// be null if <paramref name="path"/> is a file.
    /// </param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <returns>The view.</returns>
    /// <exception cref="ArgumentException">An argument or option is not valid; the message states the rule, the value and the remedy.</exception>
    /// <exception cref="FileNotFoundException">There is no such folder or file, or no file of the folder matches the pattern.</exception>
    public static DocumentDataView LoadDocuments(
        this DataOperationsCatalog catalog, string path, string? pattern = null, DocumentLoaderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new DocumentLoaderOptions();
        options.Validate();
        var listing = FileListing.Create(path, pattern, options.Format);
        return new DocumentDataView(MLNetInternals.EnvironmentOf(catalog), listing, options);
    }
}
