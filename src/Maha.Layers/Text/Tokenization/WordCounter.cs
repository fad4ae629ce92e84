using System.Runtime.InteropServices;

namespace Maha.Layers.Text;

/// <summary>
/// Counts the distinct words of a stream of texts. Texts are collected in rounds of a few million characters, and several
/// threads count the pieces of a round in tables of their own. Only the distinct words stay in memory.
/// </summary>
internal sealed class WordCounter
{
    // A longer text is split into pieces of about this length, so that one huge text keeps all threads busy.
    private const int PieceLength = 1 << 17;
    private const int RoundLengthPerThread = 1 << 20;

    private readonly Dictionary<string, long>[] _tables;
    private readonly ParallelOptions _parallel;
    private readonly List<ReadOnlyMemory<char>> _pieces = [];

    internal WordCounter(int numThreads, CancellationToken cancellationToken)
    {
        int threads = numThreads == 0 ? Environment.ProcessorCount : numThreads;
        _parallel = new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = cancellationToken };
        _tables = new Dictionary<string, long>[threads];
        for (int i = 0; i < threads; i++)
            _tables[i] = new Dictionary<string, long>(StringComparer.Ordinal);
    }

    internal long TextsRead { get; private set; }

    internal long CharsRead { get; private set; }

    /// <summary>Returns the text, or throws if it is null.</summary>
    internal static string RequireText(string? text, long index) => text
        ?? throw new ArgumentException($"Texts must not be null, but text {index} is. Pass an empty string instead.", "texts");

    /// <summary>Counts the words of all texts and reports after each round.</summary>
    internal Dictionary<string, long> Count(IEnumerable<ReadOnlyMemory<char>> texts, Action reportRound)
    {
        long roundLength = (long)RoundLengthPerThread * _tables.Length;
        long gathered = 0;
        foreach (var text in texts)
        {
            AddPieces(text);
            TextsRead++;
            gathered += text.Length;
            if (gathered >= roundLength)
            {
                CountRound();
                CharsRead += gathered;
                gathered = 0;
                reportRound();
            }
        }

        CountRound();
        CharsRead += gathered;
        reportRound();
        return MergeTables();
    }

    /// <summary>Splits a text after newlines that no white space follows, where a word always ends (see <see cref="WordScanner"/>).</summary>
    private void AddPieces(ReadOnlyMemory<char> text)
    {
        while (text.Length > PieceLength)
        {
            int cut = PieceLength;
            var chars = text.Span;
            while (cut < text.Length && !(chars[cut - 1] == '\n' && !char.IsWhiteSpace(chars[cut])))
                cut++;

            _pieces.Add(text[..cut]);
            text = text[cut..];
        }

        if (!text.IsEmpty)
            _pieces.Add(text);
    }

    private void CountRound()
    {
        int next = -1;
        Parallel.For(0, _tables.Length, _parallel, table =>
        {
            for (int i = Interlocked.Increment(ref next); i < _pieces.Count; i = Interlocked.Increment(ref next))
            {
                _parallel.CancellationToken.ThrowIfCancellationRequested();
                CountPiece(_pieces[i].Span, _tables[table]);
            }
        });
        _pieces.Clear();
    }

    private static void CountPiece(ReadOnlySpan<char> text, Dictionary<string, long> table)
    {
        var words = table.GetAlternateLookup<ReadOnlySpan<char>>();
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = WordScanner.FindWordEnd(text, start);
            CollectionsMarshal.GetValueRefOrAddDefault(words, text[start..end], out _)++;
        }
    }

    private Dictionary<string, long> MergeTables()
    {
        var all = _tables[0];
        foreach (var table in _tables.AsSpan(1))
        {
            foreach ((string word, long count) in table)
                CollectionsMarshal.GetValueRefOrAddDefault(all, word, out _) += count;
        }

        return all;
    }
}
