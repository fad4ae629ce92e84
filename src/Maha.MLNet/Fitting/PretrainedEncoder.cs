using System.Globalization;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Microsoft.ML.Runtime;

namespace Maha.MLNet.Fitting;

/// <summary>An encoder in BERT layout from which a training starts: it reads windows of a document.</summary>
/// <param name="Name">The name of the weights in messages.</param>
/// <param name="Encoder">The encoder, which this object owns.</param>
/// <param name="Tokenizer">The tokenizer with which the weights were trained.</param>
internal sealed record PretrainedEncoder(string Name, MahaEncoder Encoder, WordPieceTokenizer Tokenizer) : IDisposable
{
    // More tokens per word than this, and the vocabulary does not know the language: English has about 1.3.
    private const double ManyTokensPerWord = 2.5;
    private const int WordsToJudge = 2000;

    // The most tokens of a document where no limit is set.
    private const int MaxLength = 1 << 20;

    /// <summary>The saved document encoder that the weights come from, which this object owns; null for other weights.</summary>
    public PretrainedFile? DocumentEncoder { get; init; }

    /// <summary>The most tokens of a window; null for the default: the weights don't decide it unless they were saved with windows.</summary>
    public int? WindowLength { get; init; }

    /// <summary>The blocks over the whole document of the saved classifier that the weights come from, which this object owns; null for none.</summary>
    public PretrainedBlocks? Blocks { get; init; }

    /// <summary>Checks that the options of the architecture and of the vocabulary are left at their defaults: the weights decide them.</summary>
    /// <exception cref="ArgumentException">An option has another value.</exception>
    public void Check(MahaEstimatorOptions options)
    {
        CheckArchitecture(options);
        CheckOption(nameof(options.VocabSize), options.VocabSize, DefaultsOf(options).VocabSize, Encoder.Options.VocabSize);
    }

    /// <summary>Checks that the options of the architecture are left at their defaults: the weights decide them.</summary>
    /// <exception cref="ArgumentException">An option has another value.</exception>
    public void CheckArchitecture(MahaEstimatorOptions options)
    {
        var own = Encoder.Options;
        var defaults = DefaultsOf(options);
        CheckOption(nameof(options.DModel), options.DModel, defaults.DModel, own.DModel);
        CheckOption(nameof(options.NumHeads), options.NumHeads, defaults.NumHeads, own.NumHeads);
        CheckOption(nameof(options.NumLayers), options.NumLayers, defaults.NumLayers, own.NumLayers);
        CheckOption(nameof(options.FeedForwardDim), options.FeedForwardDim, defaults.FeedForwardDim, own.FeedForwardDim);
        CheckOption(nameof(options.Positions), options.Positions, defaults.Positions, own.Positions);
    }

    /// <summary>Checks that one option is left at its default or is that of the weights.</summary>
    /// <exception cref="ArgumentException">The option has another value.</exception>
    public void CheckOption<T>(string option, T value, T defaultValue, T ownValue)
    {
        var comparer = EqualityComparer<T>.Default;
        if (!comparer.Equals(value, defaultValue) && !comparer.Equals(value, ownValue))
        {
            throw new ArgumentException(
                $"{option} must be left out or be that of the pretrained encoder '{Name}', {ownValue}, but is {value}. " +
                "A pretrained encoder keeps its architecture; for another one, train from random weights.", option);
        }
    }

    /// <summary>Returns the windows in which the encoder reads documents. All of a document is read unless the options or a saved encoder set a limit.</summary>
    public WindowedEncoderOptions WindowsFor(MahaEstimatorOptions options)
    {
        var windows = new WindowedEncoderOptions
        {
            MaxDocumentTokens = options.IsSet(nameof(options.MaxSequenceLength))
                ? options.MaxSequenceLength
                : DocumentEncoder?.Windows?.MaxDocumentTokens ?? MaxLength,
            ClsTokenId = Tokenizer.ClsTokenId,
            SepTokenId = Tokenizer.SepTokenId,
        };
        return windows with { WindowLength = WindowLength ?? Math.Min(windows.WindowLength, Encoder.Options.MaxSequenceLength) };
    }

    /// <summary>Warns of texts whose words fall to pieces in the vocabulary, as those of other languages do.</summary>
    /// <param name="channel">The channel of the warning.</param>
    /// <param name="documents">Documents without special tokens; the first 2,000 words are read.</param>
    public void WarnOfLanguage(IChannel channel, ITokenizedDocuments documents)
    {
        long tokens = 0, words = 0;
        for (int i = 0; i < documents.Count && words < WordsToJudge; i++)
        {
            int[] ids = documents.TokensOf(i);
            tokens += ids.Length;
            words += ids.Count(id => !Tokenizer.ContinuesWord(id) && id != Tokenizer.UnknownTokenId);
        }
        if (tokens > ManyTokensPerWord * Math.Max(1, words))
        {
            channel.Warning(MessageSensitivity.None, string.Create(
                CultureInfo.InvariantCulture,
                $"The texts have {tokens / (double)Math.Max(1, words):F1} tokens per word in the vocabulary of '{Name}', which was made for other texts " +
                $"(English has about 1.3). Leave PretrainedModel out to learn from these texts alone."));
        }
    }

    /// <summary>Frees the encoder.</summary>
    public void Dispose()
    {
        Encoder.Dispose();
        DocumentEncoder?.Dispose();
        Blocks?.Dispose();
    }

    private static MahaEstimatorOptions DefaultsOf(MahaEstimatorOptions options) => (MahaEstimatorOptions)Activator.CreateInstance(options.GetType())!;
}
