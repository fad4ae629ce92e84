using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.MLNet.Fitting;
using Maha.MLNet.Rows;
using Maha.MLNet.Schema;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

/// <summary>
/// Trains a model of texts with labels on the columns of a data view: tokenizer, token ids, n-grams, network, and what is fitted to the validation documents.
/// The options are only read.
/// </summary>
/// <typeparam name="TModel">The model.</typeparam>
/// <param name="host">The host of the estimator.</param>
/// <param name="options">The options.</param>
internal abstract class SupervisedFitting<TModel>(IHost host, MahaSupervisedOptions options)
{
    // Of the time that a limit gives, what is over when the n-grams end; the rest is the network's.
    private const double ShareOfNGrams = 0.75;

    // Of more held-out logits a checkpoint would take gigabytes: the n-grams are then fitted anew.
    private const long MaxHeldOutLogits = 1 << 25;

    private const string NGramPart = "NGrams";

    // Of fewer documents one per label may be meant, to try something.
    private const int FewDocuments = 20;

    /// <summary>Trains.</summary>
    /// <param name="bind">
    /// Returns what to train on. Its time belongs to the training's; it calls its parameter before every row that it reads, which throws if the training was
    /// canceled.
    /// </param>
    protected TModel Fit(Func<Action, LabeledData> bind) => ModelFitting.Run(host, options, fitting => Fit(fitting, bind(fitting.Check)));

    /// <summary>The format version of the stream of the n-grams.</summary>
    protected abstract int NGramFormat { get; }

    /// <summary>Whether documents have several labels, and not one class each.</summary>
    protected abstract bool HaveLabelSets { get; }

    /// <summary>Checks the training documents, and creates the loss of the network.</summary>
    /// <param name="documents">All documents.</param>
    /// <param name="labels">The labels.</param>
    /// <exception cref="InvalidOperationException">Nothing can be learned from the documents.</exception>
    protected abstract DocumentLoss CreateLoss(TokenizedDataset documents, LabelNames labels);

    /// <summary>Returns whether documents can be trained on, when one more was read.</summary>
    /// <param name="isTraining">Whether the documents are to be trained on, and not to validate.</param>
    protected abstract Func<LabeledText, bool> CreateEnoughCheck(bool isTraining);

    /// <summary>Returns the weight of each class in the training; null for equal ones.</summary>
    protected virtual double[]? ClassWeightsFor(LabelNames labels) => null;

    /// <summary>Returns how the network is trained.</summary>
    protected abstract TrainingOptions TrainingOptionsFor(ModelFitting fitting);

    /// <summary>Returns how classes are weighted.</summary>
    protected virtual ClassWeighting ClassWeighting => ClassWeighting.None;

    /// <summary>Fits what depends on the validation documents, and creates the model.</summary>
    /// <param name="fitted">The fitted parts.</param>
    protected abstract TModel CreateModel(FittedParts fitted);

    private TModel Fit(ModelFitting fitting, LabeledData data)
    {
        var (documents, validation, labels) = data;
        fitting.RequireSameData("labels", FingerprintOf(labels));
        double[]? classWeights = ClassWeightsFor(labels);
        using var network = ClassifierNetwork.Create(fitting, options, documents.Read(fitting.Check).Select(document => document.Text));
        using var all = Tokenize(fitting, documents, isTraining: true, network);
        var loss = CreateLoss(all, labels);
        WarnOfData(fitting, all, labels);
        using var given = validation is null ? null : Tokenize(fitting, validation, isTraining: false, network);
        // Apart from each other already here: what is fitted after the training needs the labels of the one, what is fitted before it the texts of the other.
        var (training, validating) = given is null ? Split(all, options.ValidationFraction, fitting.Seed) : (all, given);

        fitting.RequireMemory(LabeledManifest.MinNumWeights(network.Model, network.Windows, labels.Count));
        var schedule = TrainingOptionsFor(fitting) with { ClassWeights = classWeights };
        var ngrams = options.NGrams ? FitNGrams(fitting, all, validating, labels.Count, classWeights) : null;
        var (trained, result) = network.Train(schedule, training, validating, loss, needsStep: ngrams is null);
        try
        {
            return fitting.Complete(CreateModel(new FittedParts(fitting, network, trained, result, ngrams, validating, labels)), trained);
        }
        catch
        {
            trained.Dispose();
            throw;
        }
    }

    private TokenizedDataset Tokenize(ModelFitting fitting, LabeledTexts texts, bool isTraining, ClassifierNetwork network)
    {
        string what = isTraining ? "training" : "validation";
        var weights = new List<float>();
        var sets = new List<int[]>();
        var rows = fitting.WhileTimeIsLeft(texts.Read(fitting.Check), CreateEnoughCheck(isTraining), $"{what} data");
        var dataset = TokenizedDataset.FromTexts(
            rows.Select(Collect), network.Tokenizer, fitting.DatasetOptions(network.MaxDocumentTokens) with { KeepTexts = options.NGrams },
            fitting.CancellationToken);
        try
        {
            if (texts.NumMissingLabels > 0)
            {
                fitting.Channel.Warning(
                    MessageSensitivity.None,
                    $"{texts.NumMissingLabels} {what} documents have no label, or one that the key column doesn't know, and were left out.");
            }
            fitting.WarnOfCuts(dataset, what, network.MaxDocumentTokens);
            dataset.Weights = DocumentWeights.Normalize(weights);
            dataset.LabelSets = HaveLabelSets ? sets : null;
            RequireDocuments(dataset, texts, what);
            return dataset;
        }
        catch
        {
            dataset.Dispose();
            throw;
        }

        (string Text, int Label) Collect(LabeledText row)
        {
            if (row.Weight is { } weight)
                weights.Add(weight);
            if (!HaveLabelSets)
                return (row.Text, row.Labels[0]);
            sets.Add(row.Labels);
            return (row.Text, 0);
        }
    }

    private void RequireDocuments(TokenizedDataset dataset, LabeledTexts texts, string what)
    {
        if (dataset.Count > 0)
            return;
        if (texts.NumZeroWeights > 0)
        {
            throw new ArgumentException(
                $"The weights in column '{options.ExampleWeightColumnName}' must not all be 0, but all {texts.NumZeroWeights} {what} rows with a label have the " +
                "weight 0. Look at the column, or leave out ExampleWeightColumnName.");
        }
        throw new InvalidOperationException(
            $"The {what} data must have at least one document with a label, but " +
            (texts.NumMissingLabels > 0
                ? $"of {texts.NumMissingLabels} rows none has one. Look at columns '{options.LabelColumnName}' and '{options.TextColumnName}'."
                : "have no rows. Look at what was loaded and at the filters after it; rows that can be read only once must be kept, since training reads them several times."));
    }

    // What data look like that were read with another separator, or whose columns were exchanged.
    private void WarnOfData(ModelFitting fitting, TokenizedDataset documents, LabelNames labels)
    {
        if (documents.NumTokens == 0)
        {
            fitting.Channel.Warning(
                MessageSensitivity.None,
                $"None of the {documents.Count} training documents has a token, so that all texts are predicted alike. Look at column '{options.TextColumnName}' and at the " +
                "separator with which the data were read.");
        }
        else if (!HaveLabelSets && documents.Count >= FewDocuments && labels.Count > documents.Count / 2)
        {
            fitting.Channel.Warning(
                MessageSensitivity.None,
                $"The {documents.Count} training documents have {labels.Count} different labels, so that most of them are the only one of their label, which nobody can learn. " +
                $"Look at columns '{options.LabelColumnName}' and '{options.TextColumnName}' and at the separator with which the data were read.");
        }
    }

    private static (ITextDocuments Training, ITextDocuments? Validating) Split(TokenizedDataset documents, double fraction, int seed)
        => fraction > 0 ? DocumentSubset.Split(documents, fraction, seed) : (documents, null);

    private NGramFit FitNGrams(
        ModelFitting fitting, TokenizedDataset documents, ITokenizedDocuments? validating, int numLabels, double[]? classWeights)
    {
        fitting.Check();
        var rows = validating is DocumentSubset subset ? subset.Rows : [];
        return fitting.MakeOnce(
            NGramPart, () => LearnNGrams(fitting, documents, rows, numLabels, classWeights), (stream, fit) => fit.Save(stream, rows),
            stream => NGramFit.Load(stream, numLabels, NGramFormat, HaveLabelSets), _ => (long)rows.Count * numLabels <= MaxHeldOutLogits);
    }

    private NGramFit LearnNGrams(
        ModelFitting fitting, TokenizedDataset documents, IReadOnlyList<int> rows, int numLabels, double[]? classWeights)
    {
        var watch = Stopwatch.StartNew();
        NGramTrainer Fitting(CancellationToken token)
        {
            var parallel = new ParallelOptions { MaxDegreeOfParallelism = get_num_threads(), CancellationToken = token };
            return new(documents, numLabels, ClassWeighting, fitting.Seed, parallel, classWeights);
        }
        NGramFit fit;
        try
        {
            fit = Fitting(fitting.Until(ShareOfNGrams)).Fit(rows);
        }
        catch (OperationCanceledException) when (!fitting.CancellationToken.IsCancellationRequested)
        {
            fit = Fitting(fitting.CancellationToken).FitSample(rows);
            fitting.Channel.Warning(
                MessageSensitivity.None,
                $"MaxTrainingTime ({options.MaxTrainingTime}) is too short for n-grams of all {documents.Count} documents: they were learned from " +
                $"{fit.NumDocuments}. Give it more time.");
        }
        fitting.Channel.Info(
            MessageSensitivity.None,
            string.Create(CultureInfo.InvariantCulture, $"Fitted linear models over {fit.Model.NumFeatures} n-grams in {watch.Elapsed.TotalSeconds:F1} s."));
        return fit;
    }

    private static string FingerprintOf(LabelNames labels)
    {
        byte[] names = JsonSerializer.SerializeToUtf8Bytes(labels.Names);
        return $"{labels.Count} of type {labels.TypeName} with SHA-256 {Convert.ToHexStringLower(SHA256.HashData(names))[..16]}";
    }

    /// <summary>What a fitting has before the validation documents decide the rest.</summary>
    /// <param name="Fitting">The fitting.</param>
    /// <param name="Network">The network before its training: its shape and its tokenizer.</param>
    /// <param name="Trained">The trained network, which the model disposes.</param>
    /// <param name="Result">The training of the network.</param>
    /// <param name="NGrams">The n-grams; null for none.</param>
    /// <param name="Validating">The validation documents; null for none.</param>
    /// <param name="Labels">The labels.</param>
    protected sealed record FittedParts(
        ModelFitting Fitting, ClassifierNetwork Network, nn.Module<Tensor, Tensor?, ModelResult> Trained, TrainingResult Result, NGramFit? NGrams,
        ITextDocuments? Validating, LabelNames Labels);
}

/// <summary>The checks of the options of all trainers of texts with labels, and what they say of model and training.</summary>
internal static class SupervisedOptions
{
    /// <summary>Checks the options that all trainers share, before any data is read.</summary>
    /// <param name="options">The options.</param>
    /// <param name="training">How the network is trained.</param>
    /// <param name="added">The added columns: the option and its value.</param>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public static void Check(MahaSupervisedOptions options, TrainingOptions training, params IReadOnlyList<(string Option, string Column)> added)
    {
        AddedColumns.Check(
            [
                (nameof(options.LabelColumnName), options.LabelColumnName),
                (nameof(options.TextColumnName), options.TextColumnName),
                .. options.ExampleWeightColumnName is { } weight ? [(nameof(options.ExampleWeightColumnName), weight)] : Array.Empty<(string, string)>(),
            ], added);
        TensorChecks.Probability(options.SegmentLossWeight, nameof(options.SegmentLossWeight));
        TensorChecks.InRange(options.DocumentLayers, 0, 100, nameof(options.DocumentLayers), "Use 0 to decide by the pooled windows.");
        ModelFitting.CheckOptions(options, ModelOptionsOf(options, options.VocabSize), training);
    }

    /// <summary>The shape of the model.</summary>
    public static MahaTransformerOptions ModelOptionsOf(MahaSupervisedOptions options, int vocabSize)
        => options.ToModelOptions(vocabSize) with { Pooling = options.Pooling };
}
