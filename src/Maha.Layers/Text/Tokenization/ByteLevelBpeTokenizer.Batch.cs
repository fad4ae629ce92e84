namespace Maha.Layers.Text;

public sealed partial class ByteLevelBpeTokenizer
{
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
    public IEnumerable<int[]> EncodeBatch(IEnumerable<string> texts, int numThreads = 0, CancellationToken cancellationToken = default) =>
        TokenizerBatches.Encode(Encode, texts, numThreads, cancellationToken);
}
