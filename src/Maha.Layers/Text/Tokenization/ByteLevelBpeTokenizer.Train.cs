namespace Maha.Layers.Text;

public sealed partial class ByteLevelBpeTokenizer
{
    /// <summary>Learns a vocabulary from texts.</summary>
    /// <param name="texts">
    /// The training texts. They are enumerated once, on the calling thread. A few million characters at a time and the distinct
    /// words are in memory, not all texts.
    /// </param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <param name="progress">Receives a report after every round of texts and every 256 merges, on the calling thread.</param>
    /// <param name="cancellationToken">Ends training with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>
    /// The tokenizer. It depends on the texts, but not on their order, and on the options, but not on the number of threads.
    /// Without texts it has the special tokens and the 256 bytes.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="texts"/> is null.</exception>
    /// <exception cref="ArgumentException">An option is out of range, or a text is null.</exception>
    public static ByteLevelBpeTokenizer Train(
        IEnumerable<string> texts,
        ByteLevelBpeTokenizerOptions? options = null,
        IProgress<TokenizerTrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        return Train(texts.Select((text, index) => WordCounter.RequireText(text, index).AsMemory()), options, progress, cancellationToken);
    }

    /// <summary>Learns a vocabulary from texts.</summary>
    /// <param name="texts">The training texts, as in the other overload. Their memory must not change until the enumeration has ended.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <param name="progress">Receives a report after every round of texts and every 256 merges, on the calling thread.</param>
    /// <param name="cancellationToken">Ends training with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>The tokenizer, as in the other overload.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="texts"/> is null.</exception>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static ByteLevelBpeTokenizer Train(
        IEnumerable<ReadOnlyMemory<char>> texts,
        ByteLevelBpeTokenizerOptions? options = null,
        IProgress<TokenizerTrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        options ??= new ByteLevelBpeTokenizerOptions();
        options.Validate();

        string[] specialTokens = [.. SpecialTokenNames.Fixed, .. options.AdditionalSpecialTokens];
        int maxMerges = options.VocabSize - specialTokens.Length - BpeVocabulary.NumBytes;
        var counter = new WordCounter(options.NumThreads, cancellationToken);
        void Report(int numMerges) =>
            progress?.Report(new TokenizerTrainingProgress(counter.TextsRead, counter.CharsRead, numMerges, maxMerges));

        var words = counter.Count(texts, () => Report(0));
        var merges = new BpeTrainer(words, options).Train(Report, cancellationToken);
        return new ByteLevelBpeTokenizer(new BpeVocabulary(specialTokens, merges), options);
    }
}
