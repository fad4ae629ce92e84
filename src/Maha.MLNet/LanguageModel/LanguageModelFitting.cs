using Maha.Layers.Attention;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.MLNet.Fitting;
using Maha.MLNet.Rows;
using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;
using Options = Maha.MLNet.LanguageModel.MahaLanguageModelEstimator.Options;

namespace Maha.MLNet.LanguageModel;

/// <summary>
/// Trains a language model on the texts of a data view: tokenizer, token ids, contexts, network, training loop. It does not change the options.
/// </summary>
internal sealed class LanguageModelFitting(IHost host, Options options)
{
    /// <summary>Trains a language model.</summary>
    /// <param name="data">The training data.</param>
    /// <param name="text">The column of the texts.</param>
    public TextLanguageModel Fit(IDataView data, DataViewSchema.Column text) => ModelFitting.Run(host, options, fitting => Fit(fitting, data, text));

    private TextLanguageModel Fit(ModelFitting fitting, IDataView data, DataViewSchema.Column text)
    {
        var texts = new StreamedTexts(data, text);
        var tokenizer = fitting.TrainTokenizer(texts.Read(fitting.Check));
        var limits = fitting.DatasetOptions(options.MaxSequenceLength) with { MaxDocumentTokens = null };
        var rows = fitting.WhileTimeIsLeft(texts.Read(fitting.Check), text => text.Length > 0);
        using var documents = TokenizedDataset.FromTexts(rows, tokenizer, limits, fitting.CancellationToken);
        if (documents.NumTokens == 0)
        {
            throw new InvalidOperationException($"The data must have at least one document with text, but of {documents.Count} rows none has any. " +
                $"Check column '{options.ReadColumnName}', and filters before it.");
        }

        var manifest = new LanguageModelManifest
        {
            FormatVersion = LanguageModelManifest.CurrentFormat,
            Model = ModelOptionsOf(options, tokenizer.VocabSize),
            OverlongDocuments = options.OverlongDocuments,
            Columns = new LanguageModelColumns(options.ReadColumnName, options.OutputColumnName, options.PerplexityColumnName),
            TieOutput = options.TieOutput,
        };
        fitting.RequireMemory(manifest.MinNumWeights());
        var network = fitting.Build(() => new MahaLanguageModel(manifest.Model, manifest.TieOutput));
        try
        {
            var contexts = new PackedContexts(documents, options.MaxSequenceLength, ByteLevelBpeTokenizer.EosTokenId);
            var task = new LanguageModelingTask(network, options.ContextGrowthFraction);
            fitting.Train(task, TrainingOptionsOf(options, fitting.Seed, fitting.Device), contexts, validating: null);
            return fitting.Complete(new TextLanguageModel(new(manifest, tokenizer, network), fitting.Device), network);
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
        AddedColumns.Check(
            options.InputColumnName is null ? [] : [(nameof(options.InputColumnName), options.InputColumnName)],
            [(nameof(options.OutputColumnName), options.OutputColumnName), (nameof(options.PerplexityColumnName), options.PerplexityColumnName)]);
        if (options.OverlongDocuments != OverlongDocuments.KeepStart)
        {
            throw new ArgumentException($"OverlongDocuments must be left at its default for a language model, but is {options.OverlongDocuments}. " +
                "A language model reads long documents whole, in contexts of MaxSequenceLength tokens. Leave the option out.", nameof(options));
        }
        if (options.MaxSequenceLength == 1)
        {
            throw new ArgumentOutOfRangeException(nameof(options),
                "MaxSequenceLength must be at least 2 for a language model, which predicts a token from another, but is 1. Use about 1,024.");
        }
        LanguageModelingTask.CheckContextGrowth(options.ContextGrowthFraction, nameof(options.ContextGrowthFraction));
        var model = ModelOptionsOf(options, options.VocabSize);
        ModelFitting.CheckOptions(options, model, TrainingOptionsOf(options, 0, device: null));
        MahaLanguageModel.RequireCausal(model);
    }

    /// <summary>Returns the architecture of the model, which is causal with every attention.</summary>
    /// <exception cref="ArgumentException">Overlap is true for an attention that does not have it.</exception>
    internal static MahaTransformerOptions ModelOptionsOf(Options options, int vocabSize)
    {
        var model = options.ToModelOptions(vocabSize) with { IsCausal = true, EmbeddingNorm = options.EmbeddingNorm };
        if (model.Attention is HsaOptions hsa)
            return model with { Attention = hsa with { Overlap = options.Overlap ?? true } };
        if (options.Overlap == true)
            throw new ArgumentException($"Overlap is for Attention HsaCausal and Hsa, but Attention is {options.Attention}. Leave it out.", nameof(options));
        return model;
    }

    /// <summary>Returns the options of the training.</summary>
    internal static TrainingOptions TrainingOptionsOf(Options options, int seed, Device? device)
        => options.ToTrainingOptions(seed, device) with { LabelSmoothing = options.LabelSmoothing };
}
