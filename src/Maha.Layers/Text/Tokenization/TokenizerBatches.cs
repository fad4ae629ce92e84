namespace Maha.Layers.Text;

/// <summary>Encodes streams of texts with several threads.</summary>
internal static class TokenizerBatches
{
    // The texts of a round: enough to keep the threads busy, and few enough that a stream of texts is never in memory as a
    // whole.
    private const int CharsPerThread = 1 << 18;
    private const int TextsPerThread = 1 << 12;

    /// <summary>Encodes texts. The results are in the order of the texts.</summary>
    /// <param name="encode">Encodes a text, on several threads at once.</param>
    /// <param name="texts">The texts, enumerated once, on the thread that enumerates the result, and only slightly ahead of it.</param>
    /// <param name="numThreads">The number of threads; 0 for one per processor.</param>
    /// <param name="cancellationToken">Ends the enumeration with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="texts"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="numThreads"/> is negative.</exception>
    /// <exception cref="ArgumentException">A text is null (thrown when it is reached).</exception>
    public static IEnumerable<T> Encode<T>(Func<string, T> encode, IEnumerable<string> texts, int numThreads, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentOutOfRangeException.ThrowIfNegative(numThreads);
        var parallel = new ParallelOptions
        {
            MaxDegreeOfParallelism = numThreads == 0 ? Environment.ProcessorCount : numThreads,
            CancellationToken = cancellationToken,
        };
        return EncodeRounds(encode, texts, parallel);
    }

    private static IEnumerable<T> EncodeRounds<T>(Func<string, T> encode, IEnumerable<string> texts, ParallelOptions parallel)
    {
        long maxChars = (long)CharsPerThread * parallel.MaxDegreeOfParallelism;
        long maxTexts = (long)TextsPerThread * parallel.MaxDegreeOfParallelism;
        var round = new List<string>();
        long chars = 0;
        long index = 0;
        foreach (string text in texts)
        {
            round.Add(WordCounter.RequireText(text, index++));
            chars += text.Length;
            if (chars < maxChars && round.Count < maxTexts)
                continue;

            foreach (var encoded in EncodeRound(encode, round, parallel))
                yield return encoded;

            round.Clear();
            chars = 0;
        }

        foreach (var encoded in EncodeRound(encode, round, parallel))
            yield return encoded;
    }

    private static T[] EncodeRound<T>(Func<string, T> encode, List<string> round, ParallelOptions parallel)
    {
        var encoded = new T[round.Count];
        Parallel.For(0, round.Count, parallel, i => encoded[i] = encode(round[i]));
        return encoded;
    }
}
