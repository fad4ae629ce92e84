namespace Maha.Layers.Text;

/// <summary>
/// Maps a pair of neighboring tokens to the token that they merge into. A hash table with open addressing and a load factor of
/// at most one half, read-only after construction.
/// </summary>
internal sealed class MergeTable
{
    /// <summary>The result for a pair that doesn't merge. It is greater than every id, so that the smallest result is the next merge.</summary>
    internal const int None = int.MaxValue;

    private readonly ulong[] _pairs;
    private readonly int[] _merged;
    private readonly int _shift;

    /// <param name="merges">Distinct pairs of ids. Pair i merges into the id <paramref name="firstId"/> + i.</param>
    /// <param name="firstId">The id of the first merge's token.</param>
    internal MergeTable(IReadOnlyList<TokenPair> merges, int firstId)
    {
        int log2 = 4;
        while (1 << log2 < 2 * merges.Count)
            log2++;

        _shift = 64 - log2;
        _pairs = new ulong[1 << log2];
        _merged = new int[1 << log2];
        _merged.AsSpan().Fill(None);
        for (int i = 0; i < merges.Count; i++)
        {
            ulong pair = Key(merges[i].Left, merges[i].Right);
            int slot = Slot(pair);
            while (_merged[slot] != None)
                slot = slot + 1 & _merged.Length - 1;

            _pairs[slot] = pair;
            _merged[slot] = firstId + i;
        }
    }

    internal int Find(int left, int right)
    {
        ulong pair = Key(left, right);
        int slot = Slot(pair);
        while (true)
        {
            int merged = _merged[slot];
            if (merged == None || _pairs[slot] == pair)
                return merged;

            slot = slot + 1 & _merged.Length - 1;
        }
    }

    private static ulong Key(int left, int right) => (ulong)(uint)left << 32 | (uint)right;

    // Fibonacci hashing: the high bits of a product with 2^64 divided by the golden ratio.
    private int Slot(ulong pair) => (int)((pair ^ pair >> 29) * 0x9E3779B97F4A7C15 >> _shift);
}
