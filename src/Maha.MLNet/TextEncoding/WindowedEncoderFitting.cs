using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Weights;
using Maha.MLNet.Fitting;
using Maha.MLNet.Rows;
using Microsoft.ML.Runtime;
using TorchSharp;
using Options = Maha.MLNet.TextEncoding.MahaTextEncodingEstimator.Options;

namespace Maha.MLNet.TextEncoding;

/// <summary>
/// Fits an encoder of documents that reads them in windows with a pretrained encoder, which is not trained: the vocabulary of the spectral parts, the
/// spectral parts, center and scale.
/// </summary>
internal sealed class WindowedEncoderFitting(ModelFitting fitting, Options options, PretrainedEncoder pretrained)
{
    // Center and scale are means over documents. This many documents, with so many tokens each, give them to within a few percent, in half a minute on two
    // processor cores.
    private const int ScaleDocuments = 256;
    private const int ScaleTokens = 508; // two windows

    // What the fitting reads. Every other option concerns the training of a transformer.
    private static readonly HashSet<string> s_usedOptions =
    [
        nameof(Options.OutputColumnName), nameof(Options.InputColumnName), nameof(Options.SegmentColumnName), nameof(Options.Segments),
        nameof(Options.SegmentOffsetsColumnName), nameof(Options.NormalizeLength), nameof(Options.SpectralDim), nameof(Options.NumPairBuckets),
        nameof(Options.BeginningTokens), nameof(Options.ContextualWeight), nameof(Options.PretrainedModel), nameof(Options.Freeze), nameof(Options.VocabSize),
        nameof(Options.MaxSequenceLength), nameof(Options.OverlongDocuments), nameof(Options.MaxTrainingTime), nameof(Options.Seed),
        nameof(Options.CancellationToken), nameof(Options.CheckpointPath), nameof(Options.CheckpointInterval), nameof(Options.Distributed),
        // Checked against the weights.
        nameof(Options.DModel), nameof(Options.NumHeads), nameof(Options.NumLayers), nameof(Options.FeedForwardDim), nameof(Options.Positions),
        nameof(Options.Pooling),
    ];

    /// <summary>Fits an encoder.</summary>
    /// <param name="texts">The training texts.</param>
    public TextEncoder Fit(StreamedTexts texts)
    {
        CheckOptions();
        var windows = pretrained.WindowsFor(options);
        if (options.Freeze && pretrained.DocumentEncoder is { } saved)
            // A frozen encoder is used as it is, and no data is read.
            return Build(saved.Windows! with { MaxDocumentTokens = windows.MaxDocumentTokens }, saved.Parts!, saved.SpectralTokenizer, saved.CopyTo);
        // One state per window.
        windows = windows with { ChunkLength = windows.WindowLength };
        var parts = pretrained.DocumentEncoder?.Parts ?? EncoderFitting.PartsOf(options);
        var spectralTokenizer = parts.SpectralDim > 0 ? fitting.TrainTokenizer(texts.Read(fitting.Check)) : null;
        return Build(windows, parts, spectralTokenizer, network => Learn(network, texts, spectralTokenizer, windows));
    }

    private TextEncoder Build(
        WindowedEncoderOptions windows, DocumentVectorParts parts, ByteLevelBpeTokenizer? spectralTokenizer, Action<MahaDocumentEncoder> fit)
    {
        var manifest = new EncoderManifest
        {
            FormatVersion = EncoderManifest.CurrentFormat,
            Model = pretrained.Encoder.Options with { Pooling = options.Pooling },
            OverlongDocuments = options.OverlongDocuments,
            Columns = EncoderFitting.ColumnsOf(options),
            Parts = parts,
            NormalizeLength = options.NormalizeLength,
            Segments = options.Segments,
            Windows = windows,
            SpectralVocabSize = spectralTokenizer?.VocabSize,
        };
        var network = fitting.Build(manifest.BuildNetwork);
        try
        {
            ModuleWeights.Load(network.Encoder, pretrained.Encoder.state_dict());
            network.to(fitting.Device);
            fit(network);
            return fitting.Complete(new TextEncoder(new(manifest, pretrained.Tokenizer, network), spectralTokenizer, fitting.Device), network);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private void Learn(MahaDocumentEncoder network, StreamedTexts texts, ByteLevelBpeTokenizer? spectralTokenizer, WindowedEncoderOptions windows)
    {
        var sample = new SampledTexts(ScaleDocuments, fitting.Seed);
        var kept = new KeptTexts(pretrained.Tokenizer, windows.MaxDocumentTokens, options.OverlongDocuments);
        var rows = fitting.WhileTimeIsLeft(texts.Read(fitting.Check), _ => true).Select(kept.Cut).Select(sample.Add);
        if (spectralTokenizer is null)
        {
            foreach (string _ in rows)
                continue;
        }
        else
        {
            // No limit: the texts are cut already, by the tokens that the encoder reads.
            using var documents = TokenizedDataset.FromTexts(rows, spectralTokenizer, fitting.DatasetOptions(int.MaxValue), fitting.CancellationToken);
            network.FitSpectral(documents, fitting.Seed, () => fitting.IsTimeOver(), fitting.CancellationToken);
        }
        EncoderFitting.RequireDocuments(sample.NumRead, options);
        fitting.WarnOfCuts(kept.NumCutTexts, kept.NumCutTokens, "training", windows.MaxDocumentTokens);
        FitScale(network, sample.Texts, spectralTokenizer, windows);
    }

    private void FitScale(MahaDocumentEncoder network, IReadOnlyList<string> texts, ByteLevelBpeTokenizer? spectralTokenizer, WindowedEncoderOptions windows)
    {
        using var documents = TokenizedDataset.FromTokenIds(texts.Select(text =>
        {
            var (_, ids) = TokenLimit.Encode(pretrained.Tokenizer, text.AsMemory(), ScaleTokens, OverlongDocuments.KeepStart);
            return ids[..Math.Min(ids.Length, ScaleTokens)];
        }));
        pretrained.WarnOfLanguage(fitting.Channel, documents);
        var framed = new WindowedDocuments(documents, new TokenWindows(pretrained.Tokenizer, windows.WindowLength), int.MaxValue, fixedSeed: null);
        ReadOnlyMemory<int>[] spectralIds = [.. texts.Select(text => (ReadOnlyMemory<int>)(spectralTokenizer?.Encode(text) ?? []))];
        network.FitScale(framed, spectralIds, () => fitting.IsTimeOver(), fitting.CancellationToken);
    }

    private void CheckOptions()
    {
        pretrained.CheckArchitecture(options);
        var defaults = new Options();
        pretrained.CheckOption(nameof(options.Pooling), options.Pooling, defaults.Pooling, defaults.Pooling);
        if (pretrained.DocumentEncoder is { Parts: { } parts })
        {
            pretrained.CheckOption(nameof(options.SpectralDim), options.SpectralDim, defaults.SpectralDim, parts.SpectralDim);
            pretrained.CheckOption(nameof(options.NumPairBuckets), options.NumPairBuckets, defaults.NumPairBuckets, parts.NumPairBuckets);
            pretrained.CheckOption(nameof(options.BeginningTokens), options.BeginningTokens, defaults.BeginningTokens, parts.BeginningTokens);
            pretrained.CheckOption(nameof(options.ContextualWeight), options.ContextualWeight, defaults.ContextualWeight, parts.ContextualWeight);
        }
        string[] unused =
        [
            .. OptionChecks.Of(typeof(Options))
                .Where(option => !s_usedOptions.Contains(option.Name) && !Equals(option.GetValue(options), option.GetValue(defaults)))
                .Select(option => option.Name),
        ];
        if (unused.Length > 0)
        {
            fitting.Channel.Warning(
                MessageSensitivity.None,
                $"{string.Join(", ", unused)} {(unused.Length == 1 ? "has" : "have")} no effect with the pretrained encoder '{pretrained.Name}', which is " +
                $"not trained further. Leave {(unused.Length == 1 ? "it" : "them")} out, or train MahaTextClassification from it.");
        }
    }
}
