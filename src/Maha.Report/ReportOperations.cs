using Maha.Layers.Core;
using Maha.Report;
using Maha.Report.Content;

// In the namespace of the catalog that it extends, so that no other using is needed.
namespace Microsoft.ML;

/// <summary>Extends <c>mlContext.Model</c>.</summary>
public static class ReportOperations
{
    /// <summary>Evaluates a text classifier and writes a report about it: one HTML file that needs no network and no script.</summary>
    /// <param name="model">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="transformer">
    /// The model: a transformer of <c>MahaTextClassification</c>, or a chain with one. The label must still be there after the chain, as a key, as text, or as
    /// Boolean for a binary classifier.
    /// </param>
    /// <param name="testData">The documents to test on, with their labels. They should not be among the training documents.</param>
    /// <param name="filePath">The path of the file. An existing file is replaced when the new one is complete.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <remarks>
    /// Metrics, confusion table, reliability, accuracy by length and the curve of coverage come from one pass over the test data. The highlights explain a few
    /// predictions, which costs up to 33 predictions of the network each.
    /// </remarks>
    /// <exception cref="ArgumentException">
    /// The model has no Maha text classifier, or several; the test data have no document with a label that the model knows; or an option is not valid.
    /// </exception>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">The process may not write the file. An existing file is unchanged.</exception>
    /// <exception cref="IOException">The file can't be written, for instance because the disk is full. An existing file is unchanged.</exception>
    /// <exception cref="OperationCanceledException">The report was canceled. An existing file is unchanged.</exception>
    public static void SaveReport(
        this ModelOperationsCatalog model, ITransformer transformer, IDataView testData, string filePath, ReportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(transformer);
        ArgumentNullException.ThrowIfNull(testData);
        ArgumentException.ThrowIfNullOrEmpty(filePath);
        options ??= new ReportOptions();
        options.Check();
        string html = ReportPage.Create(ReportedModel.Find(transformer), transformer, testData, options);
        AtomicFile.Write(filePath, stream =>
        {
            using var writer = new StreamWriter(stream, leaveOpen: true);
            writer.Write(html);
        });
    }
}
