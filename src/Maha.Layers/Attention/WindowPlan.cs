namespace Maha.Layers.Attention;

/// <summary>The geometry of one windowed (or global) attention call: which queries see which keys.</summary>
/// <remarks>
/// Queries come in blocks of <c>Window</c> tokens. Block b attends to the keys of blocks b-1, b and b+1 (causal: b-1 and b, and there only
/// to keys that are not after the query). Window 0 means global: one block, every key. Keys past the document's valid length are ignored.
/// </remarks>
/// <param name="Batch">B, documents.</param>
/// <param name="Length">N, rows per document in memory, padding included.</param>
/// <param name="Heads">H.</param>
/// <param name="HeadDim">K, channels per head.</param>
/// <param name="Window">w, tokens per block; 0 for global attention.</param>
/// <param name="Causal">Whether a query sees only keys at or before itself.</param>
/// <param name="Band">Whether a query sees, of its three blocks, only the keys at most Window tokens away.</param>
/// <param name="GlobalKeys">The number of tokens at the start of a document that are keys of every query in addition.</param>
internal readonly record struct WindowPlan(int Batch, int Length, int Heads, int HeadDim, int Window, bool Causal, bool Band = false, int GlobalKeys = 0)
{
    /// <summary>Tokens per block, the whole row for global attention.</summary>
    public int BlockLength => Window > 0 ? Math.Min(Window, Length) : Length;

    /// <summary>Number of query blocks per document and head.</summary>
    public int Blocks => (Length + BlockLength - 1) / BlockLength;

    /// <summary>The largest number of keys that any block sees.</summary>
    public int MaxKeys => (int)Math.Min(Length, ((Causal ? 2L : 3L) * BlockLength) + GlobalKeys);

    /// <summary>
    /// The keys that the queries up to <paramref name="rowEnd"/> (exclusive) of a block see in a document of <paramref name="validLength"/> tokens.
    /// </summary>
    public KeyRange Keys(int block, int rowEnd, int validLength)
    {
        long start = Math.Max(0, (long)(block - 1) * BlockLength);
        long end = Causal ? rowEnd : Math.Min(validLength, (long)(block + 2) * BlockLength);
        return new KeyRange((int)Math.Min(GlobalKeys, start), (int)start, (int)Math.Min(end, validLength));
    }
}
