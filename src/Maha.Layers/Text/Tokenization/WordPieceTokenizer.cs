using WordPieces = Microsoft.ML.Tokenizers.WordPieceTokenizer;

namespace Maha.Layers.Text;

/// <summary>The tokenizer of BERT models: words as BERT splits them, then WordPiece by a vocabulary that was learned elsewhere.</summary>
/// <remarks>
/// <para>The pieces of a word come from Microsoft.ML.Tokenizers. The words come from <see cref="BertWords"/>, because the basic tokenization of
/// Microsoft.ML.Tokenizers 2.0.1 differs from the one that models were trained with: it deletes line ends and so joins the words around them, drops symbols such
/// as $ and +, keeps accents that the vocabulary does not have, and throws for a lone surrogate.</para>
/// <para>No text becomes a special token: "[CLS]" in a text is a bracket, a word and a bracket. A tokenizer is immutable and safe to use from several threads.
/// A bounded cache of words, shared by all threads, makes repeated words fast and does not change results.</para>
/// </remarks>
internal sealed partial class WordPieceTokenizer : ITextTokenizer
{
    // Longer words are rare and would fill the cache.
    private const int MaxCachedLength = 64;

    private static readonly string[] s_sentenceEnds = [".", "!", "?", "\u3002", "\uFF01", "\uFF1F", "\uFF61"];

    private readonly string[] _vocabulary;
    private readonly bool[] _endsSentence;
    private readonly WordPieces _pieces;
    private readonly WordCache _cache = new();

    private WordPieceTokenizer(string[] vocabulary, Dictionary<string, int> ids, bool lowerCase)
    {
        _vocabulary = vocabulary;
        LowerCase = lowerCase;
        UnknownTokenId = ids[UnknownToken];
        ClsTokenId = ids[ClsToken];
        SepTokenId = ids[SepToken];
        PadTokenId = ids[PadToken];
        _endsSentence = [.. vocabulary.Select(s_sentenceEnds.Contains)];
        using var lines = new MemoryStream(ToBytes(vocabulary));
        _pieces = WordPieces.Create(lines);
    }

    /// <inheritdoc/>
    public int VocabSize => _vocabulary.Length;

    /// <summary>The id of [CLS], which begins a sequence.</summary>
    public int ClsTokenId { get; }

    /// <summary>The id of [SEP], which ends a sequence.</summary>
    public int SepTokenId { get; }

    /// <summary>The id of [PAD], which fills short rows of a batch.</summary>
    public int PadTokenId { get; }

    /// <summary>The id of [UNK], the token of a word that has no pieces in the vocabulary.</summary>
    public int UnknownTokenId { get; }

    /// <summary>Whether letters become lower case and lose their accents before they are looked up.</summary>
    public bool LowerCase { get; }

    /// <inheritdoc/>
    public int[] Encode(ReadOnlySpan<char> text)
    {
        var ids = new List<int>(CapacityFor(text.Length));
        for (int start = 0, end; (end = BertWords.FindWord(text, ref start)) >= 0; start = end)
            ids.AddRange(EncodeWord(text[start..end]));
        return [.. ids];
    }

    /// <summary>Encodes a text and returns the word of each token.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="starts">The index, in the text, of the first character of each token's word. All tokens of a word have the same.</param>
    /// <param name="ends">The index after the last character of each token's word.</param>
    /// <returns>The token ids.</returns>
    public int[] Encode(ReadOnlySpan<char> text, out int[] starts, out int[] ends)
    {
        int capacity = CapacityFor(text.Length);
        List<int> ids = new(capacity), allStarts = new(capacity), allEnds = new(capacity);
        for (int start = 0, end; (end = BertWords.FindWord(text, ref start)) >= 0; start = end)
        {
            ids.AddRange(EncodeWord(text[start..end]));
            while (allStarts.Count < ids.Count)
            {
                allStarts.Add(start);
                allEnds.Add(end);
            }
        }
        starts = [.. allStarts];
        ends = [.. allEnds];
        return [.. ids];
    }

    /// <summary>Returns whether a token continues the word of the token before it.</summary>
    /// <param name="id">The id of the token.</param>
    /// <exception cref="ArgumentOutOfRangeException">The id is not in the vocabulary.</exception>
    public bool ContinuesWord(int id)
    {
        CheckId(id);
        return _vocabulary[id].Length > ContinuationPrefix.Length && _vocabulary[id].StartsWith(ContinuationPrefix, StringComparison.Ordinal);
    }

    /// <summary>Returns whether a token is a full stop, an exclamation mark or a question mark, in ASCII or of CJK texts.</summary>
    /// <param name="id">The id of the token.</param>
    /// <exception cref="ArgumentOutOfRangeException">The id is not in the vocabulary.</exception>
    public bool EndsSentence(int id)
    {
        CheckId(id);
        return _endsSentence[id];
    }

    /// <summary>
    /// Returns the number of characters that some tokens of a text cover, from its start or from its end: those of the words whose tokens are all among them, and
    /// of the white space between these. Tokens that are all of the text's cover all its characters.
    /// </summary>
    /// <inheritdoc/>
    public int CharactersOf(ReadOnlySpan<char> text, ReadOnlySpan<int> tokenIds, bool fromEnd)
    {
        int[] ids = Encode(text, out int[] starts, out int[] ends);
        int count = tokenIds.Length;
        if (count >= ids.Length)
            return text.Length;
        if (count == 0)
            return 0;
        if (fromEnd)
        {
            // The first word that begins among the tokens.
            int first = ids.Length - count;
            while (first < ids.Length && starts[first] == starts[first - 1])
                first++;
            return first == ids.Length ? 0 : text.Length - starts[first];
        }
        // The last word that ends among the tokens.
        int last = count - 1;
        while (last >= 0 && ends[last] == ends[last + 1])
            last--;
        return last < 0 ? 0 : ends[last];
    }

    /// <inheritdoc/>
    public int[] EndsOf(ReadOnlySpan<char> text, ReadOnlySpan<int> tokenIds)
    {
        Encode(text, out int[] starts, out int[] ends);
        for (int i = 0; i < ends.Length; i++)
        {
            bool endsWord = i + 1 == ends.Length || starts[i + 1] != starts[i];
            ends[i] = endsWord ? ends[i] : i == 0 ? 0 : ends[i - 1];
        }
        return ends;
    }

    private ReadOnlySpan<int> EncodeWord(ReadOnlySpan<char> word)
    {
        if (word.Length > MaxCachedLength)
            return LookUp(word);
        int hash = WordCache.Hash(word);
        var ids = _cache.Find(word, hash);
        if (ids.IsEmpty)
        {
            ids = LookUp(word);
            _cache.Add(word, hash, ids);
        }
        return ids;
    }

    private int[] LookUp(ReadOnlySpan<char> word)
    {
        var ids = new List<int>();
        ReadOnlySpan<char> rest = BertWords.Normalize(word, LowerCase);
        while (!rest.IsEmpty)
        {
            int end = BertWords.FindPiece(rest);
            ids.AddRange(_pieces.EncodeToIds(rest[..end], considerPreTokenization: false, considerNormalization: false));
            rest = rest[end..];
        }
        return [.. ids];
    }

    // English has about five characters per token.
    private static int CapacityFor(int textLength) => textLength / 4 + 16;

    private void CheckId(int id)
    {
        if ((uint)id >= (uint)VocabSize)
        {
            throw new ArgumentOutOfRangeException(nameof(id), id,
                $"Token ids must be from 0 to {VocabSize - 1} (the vocabulary has {VocabSize}), but one is {id}. Use the tokenizer that made the ids.");
        }
    }
}
