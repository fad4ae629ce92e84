namespace Maha.Layers.Text;

/// <summary>What a <see cref="ByteLevelBpeTokenizer"/> is trained with.</summary>
/// <remarks>All but <see cref="NumThreads"/> are saved with the tokenizer.</remarks>
public sealed record ByteLevelBpeTokenizerOptions
{
    /// <summary>The largest value of <see cref="VocabSize"/>: 1,048,576.</summary>
    public const int MaxVocabSize = 1 << 20;

    /// <summary>
    /// Number of token ids aimed at: special tokens, the 256 bytes, and merges. Training stops earlier, with fewer ids,
    /// when no pair reaches <see cref="MinFrequency"/>.
    /// </summary>
    /// <value>
    /// Default 8192. At least 262 (6 special tokens and 256 bytes) plus the number of <see cref="AdditionalSpecialTokens"/>,
    /// at most <see cref="MaxVocabSize"/>.
    /// </value>
    public int VocabSize { get; init; } = 8192;

    /// <summary>A pair of neighboring tokens is merged only when it occurs at least this often in the training texts.</summary>
    /// <value>Default 2. At least 1.</value>
    public long MinFrequency { get; init; } = 2;

    /// <summary>The longest token a merge may make, in UTF-8 bytes.</summary>
    /// <value>
    /// Default 64. From 1 (bytes only, no merges) to 192, the length in bytes of the longest word the pre-tokenizer yields.
    /// </value>
    public int MaxTokenLength { get; init; } = 64;

    /// <summary>
    /// Names of special tokens beyond the six fixed ones. They get the ids from 6 on, in this order. Text never yields a
    /// special token, whatever it holds: the name serves <see cref="ByteLevelBpeTokenizer.GetSpecialTokenId"/> and display.
    /// </summary>
    /// <value>Default empty. Names are not empty, differ from each other and from the fixed ones, and are valid Unicode.</value>
    public IReadOnlyList<string> AdditionalSpecialTokens { get; init; } = [];

    /// <summary>Threads that count words during training. The trained tokenizer doesn't depend on it.</summary>
    /// <value>Default 0: one for each processor.</value>
    public int NumThreads { get; init; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message says the rule, the value and the remedy.</exception>
    public void Validate()
    {
        ValidateSpecialTokens();
        int smallest = SpecialTokenNames.Fixed.Length + AdditionalSpecialTokens.Count + BpeVocabulary.NumBytes;
        if (VocabSize < smallest || VocabSize > MaxVocabSize)
        {
            throw new ArgumentOutOfRangeException(nameof(VocabSize), VocabSize,
                $"VocabSize must be from {smallest} (special tokens and 256 bytes) to {MaxVocabSize}, but is {VocabSize}. Choose for instance 8192.");
        }

        if (MinFrequency < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(MinFrequency), MinFrequency,
                $"MinFrequency must be at least 1, but is {MinFrequency}. Use 1 to merge every pair that occurs.");
        }

        if (MaxTokenLength < 1 || MaxTokenLength > WordScanner.MaxWordBytes)
        {
            throw new ArgumentOutOfRangeException(nameof(MaxTokenLength), MaxTokenLength,
                $"MaxTokenLength must be from 1 to {WordScanner.MaxWordBytes} bytes, but is {MaxTokenLength}. Choose for instance 64.");
        }

        if (NumThreads < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(NumThreads), NumThreads,
                $"NumThreads must be at least 0, but is {NumThreads}. Use 0 for one thread a processor.");
        }
    }

    private void ValidateSpecialTokens()
    {
        if (AdditionalSpecialTokens is null)
        {
            throw new ArgumentException("AdditionalSpecialTokens must not be null. Leave it out for none.", nameof(AdditionalSpecialTokens));
        }

        var seen = new HashSet<string>(SpecialTokenNames.Fixed, StringComparer.Ordinal);
        foreach (string name in AdditionalSpecialTokens)
        {
            if (string.IsNullOrEmpty(name))
            {
                throw new ArgumentException("A special token's name must not be null or empty. Remove it or name it.", nameof(AdditionalSpecialTokens));
            }

            if (Wtf8.HasLoneSurrogate(name))
            {
                throw new ArgumentException(
                    "A special token's name must be valid Unicode, but one holds a lone surrogate. Rename it.", nameof(AdditionalSpecialTokens));
            }

            if (!seen.Add(name))
            {
                throw new ArgumentException(
                    $"Special tokens must differ, but '{name}' occurs twice (fixed ones: {string.Join(' ', SpecialTokenNames.Fixed)}). Rename it.",
                    nameof(AdditionalSpecialTokens));
            }
        }
    }
}
