using System.Runtime.InteropServices;

namespace Maha.Layers.Text;

/// <summary>
/// Learns merges from counted words: repeatedly the most frequent pair of neighboring tokens becomes a new token.
/// </summary>
/// <remarks>
/// <para>Pair counts are updated instead of counted again: a merge visits only the words that contain its pair. The next
/// pair comes from a heap whose entries may be outdated. The count of a pair in the heap can only decrease, so an outdated
/// entry is dequeued too early and is enqueued again with its current count. The slow twin in the tests is NaiveBpe.</para>
/// <para>Of pairs with equal counts, the one with the smaller left id comes first, then the one with the smaller right id.
/// Counts are sums over words, so the result depends neither on the order of the words nor on the number of threads.</para>
/// <para>No two tokens have the same bytes. Tokens only grow, so the merges between two token boundaries depend only on the
/// bytes between them. At any time all stretches of equal bytes between boundaries are therefore split in the same way, and
/// a merge that joins one of them joins all of them.</para>
/// </remarks>
internal sealed class BpeTrainer
{
    private const int MergesPerReport = 256;

    private readonly int _firstByteId;
    private readonly ByteLevelBpeTokenizerOptions _options;

    // The symbols of word w are _symbols[_starts[w] .. _starts[w] + _lengths[w]].
    private readonly int[] _symbols;
    private readonly int[] _starts;
    private readonly int[] _lengths;
    private readonly long[] _counts;

    private readonly Dictionary<TokenPair, int> _pairIndexes = [];
    private readonly List<PairStatistics> _pairs = [];
    private readonly PriorityQueue<int, Candidate> _candidates = new();

    // The number of bytes of every token.
    private readonly List<int> _tokenLengths = [];

    internal BpeTrainer(Dictionary<string, long> words, ByteLevelBpeTokenizerOptions options)
    {
        _options = options;
        _firstByteId = SpecialTokenNames.Fixed.Length + options.AdditionalSpecialTokens.Count;
        _tokenLengths.AddRange(Enumerable.Repeat(0, _firstByteId));
        _tokenLengths.AddRange(Enumerable.Repeat(1, BpeVocabulary.NumBytes));

        _starts = new int[words.Count];
        _lengths = new int[words.Count];
        _counts = new long[words.Count];
        var symbols = new List<int>();
        Span<byte> bytes = stackalloc byte[WordScanner.MaxWordBytes];
        int index = 0;
        foreach ((string word, long count) in words)
        {
            int length = Wtf8.Encode(word, bytes);
            _starts[index] = symbols.Count;
            _lengths[index] = length;
            _counts[index] = count;
            foreach (byte b in bytes[..length])
                symbols.Add(_firstByteId + b);

            index++;
        }

        _symbols = [.. symbols];
    }

    /// <summary>Learns the merges and returns them in order. Merge i makes the id 256 + number of special tokens + i.</summary>
    internal List<TokenPair> Train(Action<int> report, CancellationToken cancellationToken)
    {
        var merges = new List<TokenPair>();
        CountPairs(cancellationToken);
        PushPairsFrom(0);
        while (_tokenLengths.Count < _options.VocabSize && _candidates.TryDequeue(out int index, out var candidate))
        {
            cancellationToken.ThrowIfCancellationRequested();
            ref var pair = ref CollectionsMarshal.AsSpan(_pairs)[index];
            if (pair.Count != candidate.Count)
            {
                Push(index);
                continue;
            }

            var merge = pair.Pair;
            int merged = _tokenLengths.Count;
            _tokenLengths.Add(_tokenLengths[merge.Left] + _tokenLengths[merge.Right]);
            merges.Add(merge);
            int firstNewPair = _pairs.Count;
            Merge(merge, merged, pair.Words.AsSpan(0, pair.NumWords));
            CollectionsMarshal.AsSpan(_pairs)[index].Words = [];
            PushPairsFrom(firstNewPair);
            if (merges.Count % MergesPerReport == 0)
                report(merges.Count);
        }

        report(merges.Count);
        return merges;
    }

    private void CountPairs(CancellationToken cancellationToken)
    {
        for (int word = 0; word < _starts.Length; word++)
        {
            if ((word & 0xFFF) == 0)
                cancellationToken.ThrowIfCancellationRequested();

            ReadOnlySpan<int> symbols = _symbols.AsSpan(_starts[word], _lengths[word]);
            for (int i = 1; i < symbols.Length; i++)
                Increase(symbols[i - 1], symbols[i], word);
        }
    }

    /// <summary>Replaces the pair in every word that contains it and updates the counts of the neighboring pairs.</summary>
    private void Merge(TokenPair merge, int merged, ReadOnlySpan<int> words)
    {
        foreach (int word in words)
        {
            var symbols = _symbols.AsSpan(_starts[word], _lengths[word]);
            int written = 0;
            for (int read = 0; read < symbols.Length; written++)
            {
                if (symbols[read] != merge.Left || read + 1 == symbols.Length || symbols[read + 1] != merge.Right)
                {
                    symbols[written] = symbols[read++];
                    continue;
                }

                if (written > 0)
                {
                    Decrease(symbols[written - 1], merge.Left, word);
                    Increase(symbols[written - 1], merged, word);
                }

                if (read + 2 < symbols.Length)
                {
                    Decrease(merge.Right, symbols[read + 2], word);
                    Increase(merged, symbols[read + 2], word);
                }

                symbols[written] = merged;
                read += 2;
            }

            _lengths[word] = written;
        }
    }

    private void Increase(int left, int right, int word)
    {
        var pair = new TokenPair(left, right);
        ref int index = ref CollectionsMarshal.GetValueRefOrAddDefault(_pairIndexes, pair, out bool exists);
        if (!exists)
        {
            index = _pairs.Count;
            _pairs.Add(new PairStatistics(pair));
        }

        CollectionsMarshal.AsSpan(_pairs)[index].Add(word, _counts[word]);
    }

    // The word stays in the pair's list: a merge does not change a word that no longer contains the pair.
    private void Decrease(int left, int right, int word) =>
        CollectionsMarshal.AsSpan(_pairs)[_pairIndexes[new TokenPair(left, right)]].Count -= _counts[word];

    private void PushPairsFrom(int first)
    {
        for (int index = first; index < _pairs.Count; index++)
            Push(index);
    }

    private void Push(int index)
    {
        ref var pair = ref CollectionsMarshal.AsSpan(_pairs)[index];
        var tokens = pair.Pair;
        if (pair.Count >= _options.MinFrequency && _tokenLengths[tokens.Left] + _tokenLengths[tokens.Right] <= _options.MaxTokenLength)
        {
            _candidates.Enqueue(index, new Candidate(pair.Count, tokens));
        }
        else
        {
            pair.Words = [];
            pair.NumWords = 0;
        }
    }

    /// <summary>The count of a pair, and the words that contain it.</summary>
    private struct PairStatistics(TokenPair pair)
    {
        internal readonly TokenPair Pair = pair;
        internal long Count = 0;
        internal int[] Words = [];
        internal int NumWords = 0;

        /// <summary>Adds an occurrence. Occurrences are added word by word, so a word that is already listed is the last one.</summary>
        internal void Add(int word, long count)
        {
            Count += count;
            if (NumWords > 0 && Words[NumWords - 1] == word)
                return;

            if (NumWords == Words.Length)
                Array.Resize(ref Words, Math.Max(4, 2 * NumWords));

            Words[NumWords++] = word;
        }
    }

    /// <summary>A pair and its count at the time it was enqueued. The most frequent pair is the smallest.</summary>
    private readonly record struct Candidate(long Count, TokenPair Pair) : IComparable<Candidate>
    {
        public int CompareTo(Candidate other)
        {
            int order = other.Count.CompareTo(Count);
            order = order != 0 ? order : Pair.Left.CompareTo(other.Pair.Left);
            return order != 0 ? order : Pair.Right.CompareTo(other.Pair.Right);
        }
    }
}
