using System.Buffers;

namespace Maha.Layers.Text;

/// <summary>
/// Byte-level byte-pair encoding (Sennrich et al. 2016; on bytes as in GPT-2): text to token ids and back without loss,
/// with merges learned from training texts.
/// </summary>
/// <remarks>
/// <para>Text is cut into words (a word with the space before it, up to three digits, a run of punctuation, white space
/// through its last newline); a word is taken as its UTF-8 bytes, to which the learned merges are applied in the order they
/// were learned. Every byte is a token, so no text is out of vocabulary and none needs an unknown token.</para>
/// <para>For every string <c>s</c>, <c>Decode(Encode(s)) == s</c>, lone surrogates included: they are encoded as the three
/// bytes their value would have in UTF-8 (WTF-8) and decoded from them.</para>
/// <para>Special tokens have ids but no bytes: no text encodes to one.</para>
/// <para>Immutable and safe to use from many threads. Encoding takes time linear in the text, whatever the text. A cache of
/// words, bounded and shared by all threads, makes repeated words quick and changes no result.</para>
/// <para>docs/tokenizer.md tells the algorithm, the file form and measured speeds.</para>
/// </remarks>
public sealed partial class ByteLevelBpeTokenizer
{
    /// <summary>Id of [PAD], which fills short rows of a batch.</summary>
    public const int PadTokenId = 0;

    /// <summary>Id of [CLS], whose final state a classifier may read.</summary>
    public const int ClsTokenId = 1;

    /// <summary>Id of [SEP], between and after the parts of a sequence.</summary>
    public const int SepTokenId = 2;

    /// <summary>Id of [MASK], which stands for a hidden token in masked-token modeling.</summary>
    public const int MaskTokenId = 3;

    /// <summary>Id of [BOS], the beginning of a text in a language model.</summary>
    public const int BosTokenId = 4;

    /// <summary>Id of [EOS], the end of a text in a language model.</summary>
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

    /// <summary>What the tokenizer was trained with. <see cref="ByteLevelBpeTokenizerOptions.NumThreads"/> is not saved.</summary>
    public ByteLevelBpeTokenizerOptions Options { get; }

    /// <summary>Number of token ids, special tokens included: ids are 0 to VocabSize - 1. At most the option of that name.</summary>
    public int VocabSize => _vocabulary.VocabSize;

    /// <summary>Names of the special tokens; a name's index is its id.</summary>
    public IReadOnlyList<string> SpecialTokens => _vocabulary.SpecialTokens.AsReadOnly();

    /// <summary>Whether <paramref name="tokenId"/> is a special token.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is not in the vocabulary.</exception>
    public bool IsSpecialToken(int tokenId)
    {
        CheckId(tokenId, nameof(tokenId));
        return _vocabulary.IsSpecial(tokenId);
    }

    /// <summary>The id of a special token.</summary>
    /// <param name="name">Its name, for instance "[MASK]".</param>
    /// <exception cref="ArgumentException">There is no special token of that name.</exception>
    public int GetSpecialTokenId(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _vocabulary.TryGetSpecialId(name, out int id)
            ? id
            : throw new ArgumentException(
                $"The name must be a special token ({string.Join(' ', _vocabulary.SpecialTokens)}), but is '{name}'. " +
                "Name it in AdditionalSpecialTokens before training.", nameof(name));
    }

    /// <summary>The bytes a token stands for; empty for a special token. They need not be whole UTF-8 sequences.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is not in the vocabulary.</exception>
    public ReadOnlySpan<byte> GetTokenBytes(int tokenId)
    {
        CheckId(tokenId, nameof(tokenId));
        return _vocabulary.BytesOf(tokenId);
    }

    /// <summary>The token ids of a text. Empty text has none.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="text"/> is null.</exception>
    public int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Encode(text.AsSpan());
    }

    /// <summary>The token ids of a text. Empty text has none.</summary>
    public int[] Encode(ReadOnlySpan<char> text)
    {
        var sink = new CollectingSink(CapacityFor(text.Length));
        EncodeWords(text, ref sink);
        int[] ids = sink.Ids.ToArray();
        sink.Dispose();
        return ids;
    }

    /// <summary>The token ids of a text, and where in the text each token lies.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="offsets">
    /// One more than there are ids: token i covers the characters from <c>offsets[i]</c> to before <c>offsets[i + 1]</c>.
    /// The spans partition the text. A character whose bytes are split over several tokens lies in the token with its first
    /// byte; a token that holds only later bytes has an empty span. A token is either white space or holds no more of it than
    /// one space at its start, so a token never reaches over the end of a sentence, line or paragraph.
    /// </param>
    public int[] Encode(ReadOnlySpan<char> text, out int[] offsets)
    {
        int[] ids = Encode(text);
        offsets = new int[ids.Length + 1];
        for (int i = 0; i < ids.Length; i++)
        {
            offsets[i + 1] = offsets[i] + _vocabulary.CharCountOf(ids[i]);
        }

        return ids;
    }

    /// <summary>The first token ids of a text, equal to the beginning of <c>Encode(text)</c>; the rest of the text isn't tokenized.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="maxTokens">The most ids to return, at least 0.</param>
    /// <param name="charsConsumed">
    /// Characters of which all bytes are in the returned tokens. Less than the text's length exactly if tokens were cut off.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxTokens"/> is negative.</exception>
    public int[] Encode(ReadOnlySpan<char> text, int maxTokens, out int charsConsumed)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxTokens);
        charsConsumed = 0;
        if (maxTokens == 0)
        {
            return [];
        }

        var sink = new LimitedSink(maxTokens, Math.Min(maxTokens, CapacityFor(text.Length)));
        EncodeWords(text, ref sink);
        int[] ids = sink.Ids.ToArray();
        foreach (int id in ids)
        {
            charsConsumed += _vocabulary.CharCountOf(id);
        }

        if (sink.NextInWord >= 0 && (_vocabulary.BytesOf(sink.NextInWord)[0] & 0xC0) == 0x80)
        {
            bool isPair = charsConsumed >= 2 && char.IsSurrogatePair(text[charsConsumed - 2], text[charsConsumed - 1]);
            charsConsumed -= isPair ? 2 : 1;
        }

        sink.Dispose();
        return ids;
    }

    /// <summary>Writes the token ids of a text to <paramref name="destination"/> and returns their number.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="destination"/> is null.</exception>
    public int Encode(ReadOnlySpan<char> text, IBufferWriter<int> destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        var sink = new WritingSink(destination);
        EncodeWords(text, ref sink);
        return sink.Count;
    }

    /// <summary>Number of token ids of a text, without making them.</summary>
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
                {
                    return;
                }

                continue;
            }

            if (end == 0)
            {
                end = WordScanner.FindWordEnd(text, start);
            }

            var word = text[start..end];
            int hash = WordCache.Hash(word);
            scoped ReadOnlySpan<int> ids = _cache.Find(word, hash);
            if (ids.IsEmpty)
            {
                ids = buffer[.._wordEncoder.Encode(word, buffer)];
                _cache.Add(word, hash, ids);
            }

            if (!sink.Add(ids))
            {
                return;
            }
        }
    }

    // About four characters a token in English; the sink grows where there are fewer.
    private static int CapacityFor(int textLength) => textLength / 3 + 16;

    private void CheckId(int id, string paramName)
    {
        if ((uint)id >= (uint)VocabSize)
        {
            throw new ArgumentOutOfRangeException(paramName, id,
                $"Token ids must be from 0 to {VocabSize - 1} (the vocabulary has {VocabSize}), but one is {id}. " +
                "Use the tokenizer the ids were made with.");
        }
    }
}
