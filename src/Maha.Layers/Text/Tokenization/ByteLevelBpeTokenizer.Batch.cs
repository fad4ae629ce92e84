namespace Maha.Layers.Text;

public sealed partial class ByteLevelBpeTokenizer
{
    // The texts of a round: enough to keep the threads busy, and few enough that a stream of texts is never in memory as a
    // whole.
    private const int BatchCharsPerThread = 1 << 18;
    private const int BatchTextsPerThread = 1 << 12;

    /// <summary>Encodes many texts with several threads. The results are in the order of the texts.</summary>
    /// <param name="texts">
    /// The texts. They are enumerated once, on the thread that enumerates the result, and only slightly ahead of it.
    /// </param>
    /// <param name="numThreads">The number of threads; 0, the default, for one per processor. The result doesn't depend on it.</param>
    /// <param name="cancellationToken">Ends the enumeration with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>The token ids of each text.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="texts"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="numThreads"/> is negative.</exception>
    /// <exception cref="ArgumentException">A text is null (thrown when it is reached).</exception>
    public IEnumerable<int[]> EncodeBatch(IEnumerable<string> texts, int numThreads = 0, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentOutOfRangeException.ThrowIfNegative(numThreads);
        var parallel = new ParallelOptions
        {
            MaxDegreeOfParallelism = numThreads == 0 ? Environment.ProcessorCount : numThreads,
            CancellationToken = cancellationToken,
        };
        return EncodeRounds(texts, parallel);
    }

    private IEnumerable<int[]> EncodeRounds(IEnumerable<string> texts, ParallelOptions parallel)
    {
        long maxChars = (long)BatchCharsPerThread * parallel.MaxDegreeOfParallelism;
        long maxTexts = (long)BatchTextsPerThread * parallel.MaxDegreeOfParallelism;
        var round = new List<string>();
        long chars = 0;
        long index = 0;
        foreach (string text in texts)
        {
            round.Add(WordCounter.RequireText(text, index++));
            chars += text.Length;
            if (chars < maxChars && round.Count < maxTexts)
                continue;

            foreach (int[] ids in EncodeRound(round, parallel))
                yield return ids;

            round.Clear();
            chars = 0;
        }

        foreach (int[] ids in EncodeRound(round, parallel))
            yield return ids;
    }

    private int[][] EncodeRound(List<string> round, ParallelOptions parallel)
    {
        int[][] ids = new int[round.Count][];
        Parallel.For(0, round.Count, parallel, i => ids[i] = Encode(round[i]));
        return ids;
    }
}
