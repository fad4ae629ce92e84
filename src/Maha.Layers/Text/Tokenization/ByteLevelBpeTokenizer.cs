using System.Buffers;

namespace Maha.Layers.Text;

/// <summary>
/// A tokenizer with byte-level byte-pair encoding (Sennrich et al. 2016; on bytes as in GPT-2). It converts text to token ids
/// and back without loss, by merges learned from training texts.
/// </summary>
/// <remarks>
/// <para>Text is split into words: letters with the space before them, up to three digits, a run of punctuation, or white
/// space up to its last newline. The learned merges are applied to the UTF-8 bytes of a word in the order they were learned.
/// Every byte is a token, so every text can be encoded and there is no unknown token.</para>
/// <para>For every string <c>s</c>, <c>Decode(Encode(s)) == s</c>. This includes lone surrogates, which are encoded as the
/// three bytes that their value would have in UTF-8 (WTF-8).</para>
/// <para>Special tokens have ids but no bytes: no text encodes to one.</para>
/// <para>A tokenizer is immutable and safe to use from several threads. Encoding takes linear time for every text. A bounded
/// cache of words, shared by all threads, makes repeated words fast and does not change results.</para>
/// </remarks>
public sealed partial class ByteLevelBpeTokenizer
{
    /// <summary>The id of [PAD], which fills short rows of a batch.</summary>
    public const int PadTokenId = 0;

    /// <summary>The id of [CLS], whose final state a classifier can use.</summary>
    public const int ClsTokenId = 1;

    /// <summary>The id of [SEP], which separates and ends the parts of a sequence.</summary>
    public const int SepTokenId = 2;

    /// <summary>The id of [MASK], which replaces a token in masked language modeling.</summary>
    public const int MaskTokenId = 3;

    /// <summary>The id of [BOS], the beginning of a text in a language model.</summary>
    public const int BosTokenId = 4;

    /// <summary>The id of [EOS], the end of a text in a language model.</summary>
    public const int EosTokenId = 5;

    private readonly BpeVocabulary _vocabulary;
    private readonly WordEncoder _wordEncoder;
    private readonly SingleTokenWords _singleTokenWords;
    private readonly WordCache _cache = new();

    private ByteLevelBpeTokenizer(BpeVocabulary vocabulary, ByteLevelBpeTokenizerOptions options)
    {
        _vocabulary = vocabulary;
        _wordEncoder = new WordEncoder(vocabulary);
        _singleTokenWords = new SingleTokenWords(vocabulary, _wordEncoder);
        Options = options with { AdditionalSpecialTokens = [.. options.AdditionalSpecialTokens] };
    }

    /// <summary>The options that the tokenizer was trained with. <see cref="ByteLevelBpeTokenizerOptions.NumThreads"/> is not saved.</summary>
    public ByteLevelBpeTokenizerOptions Options { get; }

    /// <summary>The number of token ids, including special tokens: ids are 0 to VocabSize - 1. At most the option of the same name.</summary>
    public int VocabSize => _vocabulary.VocabSize;

    /// <summary>The pairs of tokens that are merged, in the order in which they were learned.</summary>
    internal IReadOnlyList<TokenPair> Merges => _vocabulary.Merges;

    /// <summary>The names of the special tokens. The index of a name is its id.</summary>
    public IReadOnlyList<string> SpecialTokens => _vocabulary.SpecialTokens.AsReadOnly();

    /// <summary>Returns whether an id is that of a special token.</summary>
    /// <param name="tokenId">The id.</param>
    /// <exception cref="ArgumentOutOfRangeException">The id is not in the vocabulary.</exception>
    public bool IsSpecialToken(int tokenId)
    {
        CheckId(tokenId, nameof(tokenId));
        return _vocabulary.IsSpecial(tokenId);
    }

    /// <summary>Returns the id of a special token.</summary>
    /// <param name="name">The name of the token, for instance "[MASK]".</param>
    /// <exception cref="ArgumentException">There is no special token of this name.</exception>
    public int GetSpecialTokenId(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _vocabulary.TryGetSpecialId(name, out int id)
            ? id
            : throw new ArgumentException(
                $"The name must be that of a special token ({string.Join(' ', _vocabulary.SpecialTokens)}), but is '{name}'. " +
                "To have further special tokens, add their names to AdditionalSpecialTokens before training.", nameof(name));
    }

    /// <summary>Returns the bytes of a token; empty for a special token. They can be a part of a UTF-8 sequence.</summary>
    /// <param name="tokenId">The id of the token.</param>
    /// <exception cref="ArgumentOutOfRangeException">The id is not in the vocabulary.</exception>
    public ReadOnlySpan<byte> GetTokenBytes(int tokenId)
    {
        CheckId(tokenId, nameof(tokenId));
        return _vocabulary.BytesOf(tokenId);
    }

    /// <summary>Encodes a text to token ids. An empty text has none.</summary>
    /// <param name="text">Any text.</param>
    /// <returns>The token ids.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    public int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Encode(text.AsSpan());
    }

    /// <summary>Encodes a text to token ids. An empty text has none.</summary>
    /// <param name="text">Any text.</param>
    /// <returns>The token ids.</returns>
    public int[] Encode(ReadOnlySpan<char> text)
    {
        var sink = new CollectingSink(CapacityFor(text.Length));
        EncodeWords(text, ref sink);
        int[] ids = sink.Ids.ToArray();
        sink.Dispose();
        return ids;
    }

    /// <summary>Encodes a text to token ids and their positions in the text.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="offsets">
    /// One offset more than there are ids: token i covers the characters from <c>offsets[i]</c> up to, but not including,
    /// <c>offsets[i + 1]</c>. The spans partition the text. A character whose bytes are split over several tokens belongs to
    /// the token with its first byte; a token that has only later bytes has an empty span. A token is either white space or
    /// contains no white space except one space at its start, so no token crosses the end of a sentence, line or paragraph.
    /// </param>
    /// <returns>The token ids.</returns>
    public int[] Encode(ReadOnlySpan<char> text, out int[] offsets)
    {
        int[] ids = Encode(text);
        offsets = new int[ids.Length + 1];
        for (int i = 0; i < ids.Length; i++)
            offsets[i + 1] = offsets[i] + _vocabulary.CharCountOf(ids[i]);

        return ids;
    }

    /// <summary>Encodes the beginning of a text to a limited number of token ids. They are the first ids of <c>Encode(text)</c>.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="maxTokens">The most ids to return, at least 0.</param>
    /// <param name="charsConsumed">
    /// The number of characters whose bytes are all in the returned tokens. It is less than the length of the text exactly if
    /// tokens were cut off.
    /// </param>
    /// <returns>At most <paramref name="maxTokens"/> ids.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxTokens"/> is negative.</exception>
    public int[] Encode(ReadOnlySpan<char> text, int maxTokens, out int charsConsumed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxTokens);
        charsConsumed = 0;
        if (maxTokens == 0)
            return [];

        var sink = new LimitedSink(maxTokens, Math.Min(maxTokens, CapacityFor(text.Length)));
        EncodeWords(text, ref sink);
        int[] ids = sink.Ids.ToArray();
        foreach (int id in ids)
            charsConsumed += _vocabulary.CharCountOf(id);

        if (sink.NextInWord >= 0 && (_vocabulary.BytesOf(sink.NextInWord)[0] & 0xC0) == 0x80)
        {
            bool isPair = charsConsumed >= 2 && char.IsSurrogatePair(text[charsConsumed - 2], text[charsConsumed - 1]);
            charsConsumed -= isPair ? 2 : 1;
        }

        sink.Dispose();
        return ids;
    }

    /// <summary>Encodes a text and writes its token ids to a buffer writer.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="destination">The writer of the ids.</param>
    /// <returns>The number of ids.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="destination"/> is null.</exception>
    public int Encode(ReadOnlySpan<char> text, IBufferWriter<int> destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        var sink = new WritingSink(destination);
        EncodeWords(text, ref sink);
        return sink.Count;
    }

    /// <summary>Counts the token ids of a text without allocating them.</summary>
    /// <param name="text">Any text.</param>
    /// <returns>The number of ids that <c>Encode(text)</c> returns.</returns>
    public int CountTokens(ReadOnlySpan<char> text)
    {
        var sink = new CountingSink();
        EncodeWords(text, ref sink);
        return sink.Count;
    }

    private void EncodeWords<TSink>(ReadOnlySpan<char> text, ref TSink sink)
        where TSink : struct, ITokenSink
    {
        Span<int> buffer = stackalloc int[WordScanner.MaxWordBytes];
        for (int start = 0, end; start < text.Length; start = end)
        {
            int id = _singleTokenWords.Find(text, start, out end);
            if (id >= 0)
            {
                if (!sink.Add(id))
                    return;

                continue;
            }

            if (end == 0)
                end = WordScanner.FindWordEnd(text, start);

            var word = text[start..end];
            int hash = WordCache.Hash(word);
            scoped ReadOnlySpan<int> ids = _cache.Find(word, hash);
            if (ids.IsEmpty)
            {
                ids = buffer[.._wordEncoder.Encode(word, buffer)];
                _cache.Add(word, hash, ids);
            }

            if (!sink.Add(ids))
                return;
        }
    }

    // English has about four characters per token. The sink grows if a text has fewer.
    private static int CapacityFor(int textLength) => textLength / 3 + 16;

    private void CheckId(int id, string paramName)
    {
        if ((uint)id >= (uint)VocabSize)
        {
            throw new ArgumentOutOfRangeException(paramName, id,
                $"Token ids must be from 0 to {VocabSize - 1} (the vocabulary has {VocabSize}), but one is {id}. " +
                "Use the tokenizer that made the ids.");
        }
    }
}
