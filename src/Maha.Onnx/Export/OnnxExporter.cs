using System.Globalization;
using Maha.Layers.Text;
using Maha.MLNet;
using Maha.MLNet.Classification;
using Maha.MLNet.ModelFiles;
using Maha.MLNet.Schema;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using static TorchSharp.torch;

namespace Maha.Onnx.Export;

/// <summary>Exports models and checks the files.</summary>
internal static class OnnxExporter
{
    // The documents that are compared in one batch, so that padding is checked as well, and their tokens with padding.
    private const int BatchSize = 8;
    private const int BatchTokens = 2048;

    // Of the worst text in a message.
    private const int ShownCharacters = 60;

    /// <summary>Exports a model.</summary>
    public static OnnxExportReport Export(ITransformer model, string folder, IReadOnlyList<string> texts, OnnxExportOptions options)
    {
        options.Validate();
        if (texts.Count == 0)
        {
            throw new ArgumentException(
                "texts must hold texts that the exported file is checked with, but hold none. Give some dozens like those that the model " +
                "reads.", nameof(texts));
        }
        for (int i = 0; i < texts.Count; i++)
        {
            if (texts[i] is null)
                throw new ArgumentException($"texts must hold texts, but text {i} is null. Leave it out, or give an empty text.", nameof(texts));
        }
        return FindModel(model) switch
        {
            TextClassifier classifier => Export(classifier, folder, texts, options),
            TextEncoder encoder => Export(encoder, folder, texts, options),
            var other => throw new NotSupportedException(
                $"A model that is exported to ONNX must be a text classifier or a text encoder, but is {other.GetType().Name}. " +
                "Multi-label classifiers and language models can't be exported."),
        };
    }

    private static ITextModel FindModel(ITransformer model)
    {
        MahaTransformer[] found = [.. ModelChain.Flatten(model).OfType<MahaTransformer>()];
        if (found.Length != 1)
        {
            throw new ArgumentException(
                $"The model must contain exactly one transformer of Maha, but has {found.Length}. Give that transformer itself, for " +
                "instance chain.LastTransformer.", nameof(model));
        }
        switch (found[0].Model)
        {
            case TextClassifier { Manifest.Columns: var columns }:
                string[] added = [columns.Score, columns.PredictedLabel];
                Require(columns.Text, columns.Probability is null ? added : [.. added, columns.Probability]);
                break;
            case TextEncoder { Manifest.Columns: var columns }:
                Require(columns.Input, [columns.Output]);
                break;
        }
        return found[0].Model;

        void Require(string text, string[] added) => ModelChain.RequireUnchanged(model, found[0], text, added, inputSchema: null, nameof(model));
    }

    private static OnnxExportReport Export(TextClassifier classifier, string folder, IReadOnlyList<string> texts, OnnxExportOptions options)
    {
        var manifest = classifier.Manifest;
        bool withNGrams = options.IncludeNGrams && manifest.NGrams is not null;
        if (!withNGrams && manifest.NGrams is { Deep: 0 })
        {
            throw new InvalidOperationException(
                "A classifier that is exported without its n-grams must have a network with a weight, but the weight is 0: the training left no time " +
                "for the network, or it did not help. Set IncludeNGrams, or train longer.");
        }
        var description = Describe(manifest) with
        {
            Kind = manifest.Columns.Probability is null ? ExportDescription.Multiclass : ExportDescription.Binary,
            Labels = classifier.Labels.Names,
            Temperature = manifest.Temperature,
            Threshold = manifest.Columns.Probability is null ? null : manifest.Threshold,
            HasNGrams = withNGrams,
            NGramFormat = ClassifierManifest.CurrentFormat,
        };
        var files = new ExportFolder();
        description = description with { Tokenizer = files.Add(classifier.Tokenizer), Windows = Windows(manifest, classifier.Tokenizer) };
        if (withNGrams)
            files.Add(ExportFolder.NGrams, classifier.NGrams!.Save);

        ReadOnlyMemory<char>[] memory = [.. texts.Select(text => text.AsMemory())];
        float[][] model = Probabilities(classifier.Logits(memory), manifest.Temperature);
        float[][] expected = withNGrams || manifest.NGrams is null
            ? model
            : Probabilities(Scale(classifier.NetworkLogits(classifier.Encode(memory)), manifest.NGrams.Value.Deep), manifest.Temperature);
        var omitted = ReferenceEquals(expected, model) ? null : Compare(model, expected, manifest);

        byte[] graph = files.Add(ModelGraphs.Build(classifier, withNGrams, Metadata(description, omitted)));
        var reader = new OnnxTextReader(description, classifier.Tokenizer, null, withNGrams ? classifier.NGrams : null);
        var report = Check(graph, reader, texts, expected, GraphNames.Probabilities, folder, options) with { OmittedNGrams = omitted };
        files.Write(folder, description with { Check = Describe(report, options), OmittedNGrams = omitted });
        return report;
    }

    private static OnnxExportReport Export(TextEncoder encoder, string folder, IReadOnlyList<string> texts, OnnxExportOptions options)
    {
        if (options.IncludeNGrams)
            throw new ArgumentException("IncludeNGrams must be false for an encoder, which has no n-grams, but is true. Leave it out.", nameof(options));
        var manifest = encoder.Manifest;
        var files = new ExportFolder();
        var description = Describe(manifest) with
        {
            Kind = ExportDescription.Encoder,
            VectorSize = encoder.OutputDim,
            HasSpectralIds = encoder.SpectralTokenizer is not null,
            Tokenizer = files.Add(encoder.Tokenizer),
            Windows = Windows(manifest, encoder.Tokenizer),
        };
        if (encoder.SpectralTokenizer is not null)
            files.Add(encoder.SpectralTokenizer, ExportFolder.SpectralPrefix);
        byte[] graph = files.Add(ModelGraphs.Build(encoder, Metadata(description, null)));
        var reader = new OnnxTextReader(description, encoder.Tokenizer, encoder.SpectralTokenizer, null);
        float[][] expected = encoder.Vectors([.. texts.Select(text => text.AsMemory())]);
        var report = Check(graph, reader, texts, expected, GraphNames.Embedding, folder, options);
        files.Write(folder, description with { Check = Describe(report, options) });
        return report;
    }

    // Compares before anything is written.
    private static OnnxExportReport Check(
        byte[] graph, OnnxTextReader reader, IReadOnlyList<string> texts, float[][] expected, string output, string folder, OnnxExportOptions options)
    {
        using var runner = new OnnxRunner(graph, get_num_threads());
        float[][] actual = Run(runner, [.. texts.Select(reader.Read)], output);
        double largest = -1;
        int worst = 0;
        for (int i = 0; i < texts.Count; i++)
        {
            double difference = Difference(expected[i], actual[i]);
            if (double.IsNaN(difference) || difference > largest)
                (largest, worst) = (difference, i);
            if (double.IsNaN(difference))
                break;
        }
        string text = texts[worst].Length <= ShownCharacters ? texts[worst] : texts[worst][..ShownCharacters] + "...";
        if (double.IsNaN(largest))
        {
            var (owner, remedy) = expected[worst].All(float.IsFinite)
                ? ("ONNX Runtime", "Another version of ONNX Runtime may help.")
                : ("the model", "Train the model again, with a lower learning rate.");
            throw new InvalidOperationException(
                $"The numbers of an exported model must be finite, but those of {owner} for text {worst} are not: \"{text}\". No file was written. {remedy}");
        }
        if (largest > options.Tolerance)
        {
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture,
                $"ONNX Runtime must compute what the model computes within {options.Tolerance:G2}, but text {worst} differs by {largest:G3}: \"{text}\". " +
                $"No file was written. Another version of ONNX Runtime may help; a larger Tolerance accepts the difference."));
        }
        return new OnnxExportReport { Folder = folder, NumTexts = texts.Count, LargestDifference = largest, WorstText = worst };
    }

    /// <summary>Runs texts in batches of similar length.</summary>
    internal static float[][] Run(OnnxRunner runner, OnnxTextInput[] inputs, string output)
    {
        float[][] results = new float[inputs.Length][];
        int[] order = [.. Enumerable.Range(0, inputs.Length).OrderByDescending(i => inputs[i].InputIds.Count)];
        for (int start = 0, end; start < order.Length; start = end)
        {
            int width = Math.Max(1, inputs[order[start]].InputIds.Count);
            end = Math.Min(order.Length, start + Math.Clamp(BatchTokens / width, 1, BatchSize));
            int[] rows = order[start..end];
            float[][] batch = runner.Run([.. rows.Select(row => inputs[row])], output);
            for (int i = 0; i < rows.Length; i++)
                results[rows[i]] = batch[i];
        }
        return results;
    }

    /// <summary>
    /// The largest difference of two rows, relative to the largest number of the expected row if that is above 1. NaN if a number of a row is not finite: then
    /// the rows don't agree, even if they are the same.
    /// </summary>
    internal static double Difference(float[] expected, float[] actual)
    {
        double scale = 1, largest = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            scale = Math.Max(scale, Math.Abs(expected[i]));
            double difference = Math.Abs((double)expected[i] - actual[i]);
            largest = Math.Max(largest, difference); // NaN if one of them is
        }
        return double.IsFinite(largest) ? largest / scale : double.NaN;
    }

    /// <summary>Computes the softmax of logits that are divided by the temperature.</summary>
    internal static float[][] Probabilities(float[][] logits, double temperature) => Array.ConvertAll(logits, row =>
    {
        double max = row.Max();
        double[] exponentials = Array.ConvertAll(row, logit => Math.Exp((logit - max) / temperature));
        double sum = exponentials.Sum();
        return Array.ConvertAll(exponentials, value => (float)(value / sum));
    });

    private static float[][] Scale(float[][] logits, double factor) => Array.ConvertAll(logits, row => Array.ConvertAll(row, logit => (float)(factor * logit)));

    private static OmittedNGrams Compare(float[][] model, float[][] network, ClassifierManifest manifest)
    {
        double[] differences = [.. model.Zip(network, Difference)];
        double same = model.Zip(network, (first, second) => Label(first) == Label(second) ? 1.0 : 0).Average();
        return new OmittedNGrams(differences.Average(), differences.Max(), same);

        int Label(float[] row) => manifest.Columns.Probability is null ? Array.IndexOf(row, row.Max()) : row[1] > manifest.Threshold ? 1 : 0;
    }

    private static ExportDescription Describe(WindowedManifest manifest) => new()
    {
        Kind = "",
        Tokenizer = new TokenizerDescription { Kind = "" },
        MaxTokens = manifest.MaxDocumentTokens,
        OverlongDocuments = manifest.OverlongDocuments,
    };

    private static CheckDescription Describe(OnnxExportReport report, OnnxExportOptions options) =>
        new(report.NumTexts, report.LargestDifference, options.Tolerance);

    private static WindowDescription? Windows(WindowedManifest manifest, ITextTokenizer tokenizer) => manifest.Windows is not { } windows ? null : new()
    {
        Length = windows.WindowLength,
        ClsTokenId = windows.ClsTokenId,
        SepTokenId = windows.SepTokenId,
        SentenceEndIds = [.. Enumerable.Range(0, tokenizer.VocabSize).Where(((WordPieceTokenizer)tokenizer).EndsSentence)],
    };

    private static Dictionary<string, string> Metadata(ExportDescription description, OmittedNGrams? omitted)
    {
        var metadata = new Dictionary<string, string> { ["kind"] = description.Kind };
        if (description.Labels is not null)
            metadata["labels"] = System.Text.Json.JsonSerializer.Serialize(description.Labels);
        if (omitted is not null)
            metadata["missing"] = omitted.ToString();
        return metadata;
    }
}
