using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using Maha.MLNet.Fitting;
using Maha.MLNet.Rows;
using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using TorchSharp;
using Options = Maha.MLNet.TextEncoding.MahaTextEncodingEstimator.Options;

namespace Maha.MLNet.TextEncoding;

/// <summary>
/// Trains an encoder on the texts of a data view: tokenizer, token ids, spectral parts, transformer, center and scale. It does not change the options.
/// </summary>
internal sealed class EncoderFitting(IHost host, Options options)
{
    // Center and scale are means over documents. This many documents, with so many tokens each, give them to within a few percent.
    private const int ScaleDocuments = 512;
    private const int ScaleTokens = 2048;

    // Pieces are four views long, so that two views of a piece need not overlap.
    private const int ViewsPerChunk = 4;

    /// <summary>Trains an encoder.</summary>
    /// <param name="data">The training data.</param>
    /// <param name="text">The column of the texts.</param>
    public TextEncoder Fit(IDataView data, DataViewSchema.Column text) => ModelFitting.Run(host, options, fitting => Fit(fitting, data, text));

    private TextEncoder Fit(ModelFitting fitting, IDataView data, DataViewSchema.Column text)
    {
        using var start = options.PretrainedModel is { } source ? PretrainedStart.Open(source) : null;
        var texts = new StreamedTexts(data, text);
        if (start?.Encoder is { } encoder)
            return new WindowedEncoderFitting(fitting, options, encoder).Fit(texts);
        if (options.Segments == SegmentKind.Window)
        {
            throw new ArgumentException(
                "Segments must be Sentence or Paragraph for a transformer that reads documents whole, but is Window. Choose another kind, or a " +
                "PretrainedModel in BERT layout.", nameof(options.Segments));
        }
        var pretrained = start?.File;
        if (pretrained is not null)
            CheckOptionsAgainst(pretrained);
        var tokenizer = pretrained?.Tokenizer ?? fitting.TrainTokenizer(texts.Read(fitting.Check));
        var parts = pretrained?.Parts ?? PartsOf(options);
        int length = pretrained is null ? options.MaxSequenceLength : pretrained.MaxSequenceLengthFor(options);
        var model = pretrained is null
            ? ModelFitting.WithTokenParts(ModelOptionsOf(options, tokenizer.VocabSize), tokenizer)
            : pretrained.ModelFor(length) with
            {
                Pooling = pretrained.Parts is null ? options.Pooling : pretrained.Model.Pooling,
                Dropout = options.Dropout,
            };
        var manifest = new EncoderManifest
        {
            FormatVersion = EncoderManifest.CurrentFormat,
            Model = model,
            OverlongDocuments = options.OverlongDocuments,
            Columns = ColumnsOf(options),
            Parts = parts,
            NormalizeLength = options.NormalizeLength,
            Segments = options.Segments,
        };
        fitting.RequireMemory(manifest.MinNumWeights());
        var network = fitting.Build(() => new MahaDocumentEncoder(model, parts));
        try
        {
            network.to(fitting.Device);
            pretrained?.CopyTo(network);
            // A frozen encoder is used as it is, and no data is read.
            if (!(options.Freeze && pretrained!.Parts is not null))
            {
                var rows = fitting.WhileTimeIsLeft(texts.Read(fitting.Check), _ => true);
                using var documents = TokenizedDataset.FromTexts(rows, tokenizer, fitting.DatasetOptions(length), fitting.CancellationToken);
                RequireDocuments(documents.Count, options);
                fitting.WarnOfCuts(documents, "training", length);
                Learn(network, documents, fitting, isPretrained: pretrained is not null);
            }
            return fitting.Complete(new TextEncoder(new(manifest, tokenizer, network), spectralTokenizer: null, fitting.Device), network);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <summary>Checks the options before any data is read.</summary>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public static void Check(Options options)
    {
        (string Option, string? Column)[] added =
        [
            (nameof(options.OutputColumnName), options.OutputColumnName ?? ""), (nameof(options.SegmentColumnName), options.SegmentColumnName),
            (nameof(options.SegmentOffsetsColumnName), options.SegmentOffsetsColumnName),
        ];
        AddedColumns.Check(
            options.InputColumnName is null ? [] : [(nameof(options.InputColumnName), options.InputColumnName)],
            [.. added.Where(column => column.Column is not null).Select(column => (column.Option, column.Column!))]);
        if (options.SegmentOffsetsColumnName is not null && options.SegmentColumnName is null)
        {
            throw new ArgumentException(
                $"SegmentOffsetsColumnName must be null without a SegmentColumnName, but is '{options.SegmentOffsetsColumnName}'. Name a column of the segments' vectors, or leave it out.",
                nameof(options));
        }
        TensorChecks.Known(options.Segments, nameof(options.Segments));
        CheckWindows(options);
        ModelFitting.CheckOptions(options, ModelOptionsOf(options, options.VocabSize), options.ToTrainingOptions(0, device: null));
        PartsOf(options).Validate();
        PretrainingOptionsOf(options).Validate();
        if (options.ChunksPerDocument < 1)
        {
            throw new ArgumentOutOfRangeException(
                nameof(options), $"ChunksPerDocument must be at least 1, but is {options.ChunksPerDocument}. Use about 4.");
        }
        if (options.Freeze && options.PretrainedModel is null)
        {
            throw new ArgumentException(
                "Freeze must be false without a PretrainedModel, since random weights would stay random, but is true. Name a file, or leave Freeze out.",
                nameof(options));
        }
    }

    /// <summary>Returns the columns of the model.</summary>
    internal static EncoderColumns ColumnsOf(Options options) =>
        new(options.ReadColumnName, options.OutputColumnName, options.SegmentColumnName, options.SegmentOffsetsColumnName);

    /// <summary>Checks that there are documents.</summary>
    /// <exception cref="InvalidOperationException">There are none.</exception>
    internal static void RequireDocuments(int count, Options options)
    {
        if (count == 0)
        {
            throw new InvalidOperationException("The data must have at least one document to learn from, but has none. " +
                $"Check column '{options.ReadColumnName}', and filters before it.");
        }
    }

    /// <summary>Returns the architecture of the transformer.</summary>
    internal static MahaTransformerOptions ModelOptionsOf(Options options, int vocabSize)
        => options.ToModelOptions(vocabSize) with { Pooling = options.Pooling };

    /// <summary>Returns the parts of a vector.</summary>
    internal static DocumentVectorParts PartsOf(Options options) => new()
    {
        SpectralDim = options.SpectralDim,
        NumPairBuckets = options.NumPairBuckets,
        BeginningTokens = options.BeginningTokens,
        ContextualWeight = options.ContextualWeight,
    };

    /// <summary>Returns the tasks that the transformer is trained on.</summary>
    internal static PretrainingOptions PretrainingOptionsOf(Options options) => new()
    {
        MaskedTokenWeight = options.MaskedTokenWeight,
        ContrastiveWeight = options.ContrastiveWeight,
        MaskFraction = options.MaskFraction,
        TieEmbedding = options.TieEmbedding,
        ViewLength = options.ViewLength,
        Temperature = options.Temperature,
    };

    private static void CheckWindows(Options options)
    {
        if (options.Segments != SegmentKind.Window)
            return;
        if (options.PretrainedModel is null)
        {
            throw new ArgumentException(
                "Segments must be Sentence or Paragraph without a PretrainedModel in BERT layout, whose windows they would be, but is Window. Choose one, or " +
                "name a model.",
                nameof(options));
        }
        if (options.OverlongDocuments == OverlongDocuments.KeepStartAndEnd)
        {
            throw new ArgumentException(
                "OverlongDocuments must keep one end of a document where Segments is Window, since a window across the cut has no range of characters, but " +
                "is KeepStartAndEnd. Choose another value.", nameof(options));
        }
    }

    private void CheckOptionsAgainst(PretrainedFile pretrained)
    {
        pretrained.Check(options);
        if (pretrained.Parts is not null)
            pretrained.CheckOption(nameof(options.Pooling), options.Pooling, new Options().Pooling, pretrained.Model.Pooling);
    }

    private void Learn(MahaDocumentEncoder network, TokenizedDataset documents, ModelFitting fitting, bool isPretrained)
    {
        network.FitSpectral(documents, fitting.Seed, () => fitting.IsTimeOver(), fitting.CancellationToken);
        if (options.SpectralStart && !isPretrained)
            network.InitializeFromSpectral();
        var pretraining = PretrainingOptionsOf(options);
        int chunkLength = (int)Math.Min((long)options.ViewLength * (options.ContrastiveWeight > 0 ? ViewsPerChunk : 1), int.MaxValue / 2);
        bool[] isHeldOut = ChooseHeldOut(documents.Count, fitting.Seed);
        var training = new DocumentChunks(documents, chunkLength, options.ChunksPerDocument, fitting.Seed, i => !isHeldOut[i]);
        var validating = new DocumentChunks(documents, chunkLength, options.ChunksPerDocument, fitting.Seed, i => isHeldOut[i]);
        if (training.Count == 0)
        {
            fitting.Channel.Warning(MessageSensitivity.None, "No document has tokens to learn from: the encoder keeps its initial weights.");
        }
        else if (!options.Freeze)
        {
            CheckContrast(training, fitting);
            // The split is by documents. The trainer would split by pieces.
            var trainingOptions = options.ToTrainingOptions(fitting.Seed, fitting.Device) with { ValidationFraction = 0 };
            var task = fitting.Build(() => new EncoderPretrainingTask(network, pretraining));
            fitting.Train(task, trainingOptions, training, validating.Count > 0 ? validating : null);
        }
        using var sample = TakeSample(documents);
        // A canceled training that keeps its weights must still return a complete encoder.
        bool keepsWeights = options.CancellationBehavior == CancellationBehavior.KeepBest;
        network.FitScale(sample, () => fitting.IsTimeOver(), keepsWeights ? CancellationToken.None : fitting.CancellationToken);
    }

    // The pieces of a batch are contrasted with each other, so that a piece with a batch of its own is not.
    private void CheckContrast(DocumentChunks training, ModelFitting fitting)
    {
        if (options.ContrastiveWeight == 0)
            return;
        int[] lengths = [.. Enumerable.Range(0, training.Count).Select(training.LengthOf)];
        int alone = lengths.Count(length => length > options.TokensPerBatch / 2), needed = (int)Math.Min(2L * lengths.Max(), int.MaxValue);
        string remedy = $"Raise TokensPerBatch to {needed} or lower ViewLength ({options.ViewLength}), of which a piece has at most {ViewsPerChunk}.";
        if (alone == lengths.Length && options.MaskedTokenWeight == 0)
        {
            throw new ArgumentException(
                "TokensPerBatch must have room for two pieces of documents where ContrastiveWeight alone trains the transformer, but is " +
                $"{options.TokensPerBatch}, and the shortest piece has {lengths.Min()} tokens. {remedy}", nameof(options));
        }
        if (alone > lengths.Length / 2)
        {
            fitting.Channel.Warning(
                MessageSensitivity.None,
                $"{alone} of {lengths.Length} pieces of documents have a batch of {options.TokensPerBatch} tokens of their own, so that they are not contrasted " +
                $"with others and ContrastiveWeight has no effect on them. {remedy}");
        }
    }

    private bool[] ChooseHeldOut(int count, int seed)
    {
        bool[] isHeldOut = new bool[count];
        int[] order = [.. Enumerable.Range(0, count)];
        new Random(seed).Shuffle(order);
        foreach (int i in order.Take((int)(options.ValidationFraction * count)))
            isHeldOut[i] = true;
        return isHeldOut;
    }

    private static TokenizedDataset TakeSample(TokenizedDataset documents)
    {
        int count = Math.Min(documents.Count, ScaleDocuments);
        return TokenizedDataset.FromTokenIds(Enumerable.Range(0, count).Select(i =>
        {
            int index = (int)((long)i * documents.Count / count);
            int[] ids = documents.TokensOf(index);
            return ids[..Math.Min(ids.Length, ScaleTokens)];
        }));
    }
}
