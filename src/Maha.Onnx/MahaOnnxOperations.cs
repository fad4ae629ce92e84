using Maha.MLNet.Bridge;
using Maha.Onnx;
using Maha.Onnx.Export;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

/// <summary>Extends <c>mlContext.Model</c> with the export of Maha's models to ONNX.</summary>
public static class MahaOnnxOperations
{
    /// <summary>
    /// Exports a trained text classifier or text encoder to a folder: the ONNX graph <c>model.onnx</c>, the files of its tokenizer, <c>maha.json</c> and a
    /// README that say how the inputs of the graph are made from a text.
    /// </summary>
    /// <remarks>
    /// <para>The graph accepts batches of any size and texts of any length. Before anything is written, ONNX Runtime computes some texts with it and must
    /// agree with the model. n-grams are left out unless <see cref="OnnxExportOptions.IncludeNGrams"/> is set; the report, the log, the README and the
    /// graph's metadata state what is missing and how much it changes.</para>
    /// <para>Of a chain, the transformer of Maha is exported alone. So the others must change neither the text that it reads nor the scores, labels or vector
    /// that it adds; they may copy the text from another column, map the keys of the predicted label to their values, and write other columns. Otherwise
    /// give the transformer of Maha, and apply the other steps yourself.</para>
    /// </remarks>
    /// <param name="model">The catalog: <c>mlContext.Model</c>.</param>
    /// <param name="transformer">The model, or a chain with exactly one model of Maha.</param>
    /// <param name="folder">
    /// The folder, which is created if it does not exist. The files of an earlier export are replaced or deleted, others stay.
    /// </param>
    /// <param name="texts">The texts to check with, at least one. Some dozens like those that the model reads, of different lengths, are enough.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <returns>What was checked and what is left out.</returns>
    /// <exception cref="ArgumentException">There is no text, a text is null, an option is not valid, the model does not contain exactly one transformer of
    /// Maha, or another transformer of the chain changes what that one reads or adds.</exception>
    /// <exception cref="NotSupportedException">The model is a language model, or its attention can't be expressed in ONNX; the message names the kinds that
    /// can.</exception>
    /// <exception cref="InvalidOperationException">ONNX Runtime computes something else than the model, a number of the model is not finite, or the
    /// network alone has no weight. No file is written.</exception>
    /// <exception cref="IOException">A file can't be written or deleted.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public static OnnxExportReport ExportToOnnx(
        this ModelOperationsCatalog model, ITransformer transformer, string folder, IEnumerable<string> texts, OnnxExportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(transformer);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(texts);
        var host = MLNetInternals.EnvironmentOf(model).Register("MahaOnnxExport");
        using var channel = host.Start("Export to ONNX");
        var report = OnnxExporter.Export(transformer, folder, [.. texts], options ?? new OnnxExportOptions());
        if (report.OmittedNGrams is null)
            channel.Info(MessageSensitivity.None, report.ToString());
        else
            channel.Warning(MessageSensitivity.None, report.ToString());
        return report;
    }
}
