namespace Maha.Layers.Text;

/// <summary>The options for training a <see cref="ByteLevelBpeTokenizer"/>.</summary>
/// <remarks>All options except <see cref="NumThreads"/> are saved with the tokenizer.</remarks>
public sealed record ByteLevelBpeTokenizerOptions
{
    /// <summary>The largest value of <see cref="VocabSize"/>: 1,048,576.</summary>
    public const int MaxVocabSize = 1 << 20;

    /// <summary>
    /// The number of token ids: special tokens, the 256 bytes, and merges. Training stops with fewer ids if no further pair
    /// reaches <see cref="MinFrequency"/>.
    /// </summary>
    /// <value>
    /// Default 8192. At least 262 (6 special tokens and 256 bytes) plus the number of <see cref="AdditionalSpecialTokens"/>,
    /// at most <see cref="MaxVocabSize"/>.
    /// </value>
    public int VocabSize { get; init; } = 8192;

    /// <summary>The number of times that a pair of neighboring tokens must occur in the training texts to be merged.</summary>
    /// <value>Default 2. At least 1.</value>
    public long MinFrequency { get; init; } = 2;

    /// <summary>The length of the longest token that a merge may make, in UTF-8 bytes.</summary>
    /// <value>
    /// Default 64. From 1 (bytes only, no merges) to 192, the length in bytes of the longest word of the pre-tokenizer.
    /// </value>
    public int MaxTokenLength { get; init; } = 64;

    /// <summary>
    /// The names of special tokens besides the six fixed ones. They get the ids from 6 on, in this order. No text encodes to a
    /// special token: the name is used by <see cref="ByteLevelBpeTokenizer.GetSpecialTokenId"/> and for display.
    /// </summary>
    /// <value>Default empty. Names must not be empty, must differ from each other and from the fixed ones, and must be valid Unicode.</value>
    public IReadOnlyList<string> AdditionalSpecialTokens { get; init; } = [];

    /// <summary>The number of threads that count words during training. The trained tokenizer doesn't depend on it.</summary>
    /// <value>Default 0: one per processor. At least 0.</value>
    public int NumThreads { get; init; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">An option is out of its range. The message states the rule, the value and the remedy.</exception>
    public void Validate()
    {
        ValidateSpecialTokens();
        int smallest = SpecialTokenNames.Fixed.Length + AdditionalSpecialTokens.Count + BpeVocabulary.NumBytes;
        if (VocabSize < smallest || VocabSize > MaxVocabSize)
        {
            throw new ArgumentOutOfRangeException(nameof(VocabSize), VocabSize,
                $"VocabSize must be from {smallest} (special tokens and 256 bytes) to {MaxVocabSize}, but is {VocabSize}. Use for instance 8192.");
        }

        if (MinFrequency < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(MinFrequency), MinFrequency,
                $"MinFrequency must be at least 1, but is {MinFrequency}. Use 1 to merge every pair that occurs.");
        }

        if (MaxTokenLength < 1 || MaxTokenLength > WordScanner.MaxWordBytes)
        {
            throw new ArgumentOutOfRangeException(nameof(MaxTokenLength), MaxTokenLength,
                $"MaxTokenLength must be from 1 to {WordScanner.MaxWordBytes} bytes, but is {MaxTokenLength}. Use for instance 64.");
        }

        if (NumThreads < 0)
        {
            throw new ArgumentOutOfRangeException(nameof(NumThreads), NumThreads,
                $"NumThreads must be at least 0, but is {NumThreads}. Use 0 for one thread per processor.");
        }
    }

    private void ValidateSpecialTokens()
    {
        if (AdditionalSpecialTokens is null)
            throw new ArgumentException("AdditionalSpecialTokens must not be null. Omit it to have none.", nameof(AdditionalSpecialTokens));

        var seen = new HashSet<string>(SpecialTokenNames.Fixed, StringComparer.Ordinal);
        foreach (string name in AdditionalSpecialTokens)
        {
            if (string.IsNullOrEmpty(name))
                throw new ArgumentException("A special token's name must not be null or empty. Remove it or give it a name.", nameof(AdditionalSpecialTokens));

            if (Wtf8.HasLoneSurrogate(name))
            {
                throw new ArgumentException(
                    "A special token's name must be valid Unicode, but one contains a lone surrogate. Rename it.", nameof(AdditionalSpecialTokens));
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
