namespace Maha.Layers.Text;

/// <summary>
/// The token table: ids 0 to S-1 are the special tokens, S to S+255 the bytes, and S+256+i the token that merge i makes.
/// The special tokens and the merges determine it. No two tokens have the same bytes.
/// </summary>
internal sealed class BpeVocabulary
{
    internal const int NumBytes = 256;

    private readonly byte[] _bytes;
    private readonly int[] _starts;
    private readonly byte[] _charCounts;
    private readonly Dictionary<string, int> _specialIds;

    /// <param name="specialTokens">The names of the special tokens, the fixed ones first.</param>
    /// <param name="merges">Pairs of earlier ids, none of them special. They are not checked here: training makes valid ones, and loading checks them.</param>
    internal BpeVocabulary(IReadOnlyList<string> specialTokens, IReadOnlyList<TokenPair> merges)
    {
        SpecialTokens = [.. specialTokens];
        Merges = [.. merges];
        _specialIds = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int id = 0; id < SpecialTokens.Length; id++)
            _specialIds.Add(SpecialTokens[id], id);

        _starts = new int[FirstMergeId + Merges.Length + 1];
        for (int id = FirstByteId; id < VocabSize; id++)
            _starts[id + 1] = checked(_starts[id] + LengthOf(id));

        _bytes = new byte[_starts[VocabSize]];
        _charCounts = new byte[VocabSize];
        for (int id = FirstByteId; id < VocabSize; id++)
        {
            WriteBytes(id);
            _charCounts[id] = CountChars(BytesOf(id));
        }
    }

    internal string[] SpecialTokens { get; }

    internal TokenPair[] Merges { get; }

    internal int FirstByteId => SpecialTokens.Length;

    internal int FirstMergeId => SpecialTokens.Length + NumBytes;

    internal int VocabSize => FirstMergeId + Merges.Length;

    internal bool IsSpecial(int id) => id < FirstByteId;

    internal bool TryGetSpecialId(string name, out int id) => _specialIds.TryGetValue(name, out id);

    /// <summary>Returns the bytes of a token; empty for a special token.</summary>
    internal ReadOnlySpan<byte> BytesOf(int id) => _bytes.AsSpan(_starts[id], _starts[id + 1] - _starts[id]);

    /// <summary>
    /// Returns the number of UTF-16 code units whose first byte is in the token. A character split over tokens counts once, at
    /// its first byte, so the counts of a text's tokens sum to the length of the text.
    /// </summary>
    internal int CharCountOf(int id) => _charCounts[id];

    private int LengthOf(int id)
    {
        if (id < FirstMergeId)
            return 1;

        var merge = Merges[id - FirstMergeId];
        return _starts[merge.Left + 1] - _starts[merge.Left] + _starts[merge.Right + 1] - _starts[merge.Right];
    }

    private void WriteBytes(int id)
    {
        var destination = _bytes.AsSpan(_starts[id]);
        if (id < FirstMergeId)
        {
            destination[0] = (byte)(id - FirstByteId);
            return;
        }

        var merge = Merges[id - FirstMergeId];
        var left = BytesOf(merge.Left);
        left.CopyTo(destination);
        BytesOf(merge.Right).CopyTo(destination[left.Length..]);
    }

    // A sequence of four bytes is a surrogate pair. A token has at most 192 bytes, so a byte can hold the count.
    private static byte CountChars(ReadOnlySpan<byte> bytes)
    {
        int count = 0;
        foreach (byte b in bytes)
            count += (b & 0xC0) == 0x80 ? 0 : b >= 0xF0 ? 2 : 1;

        return (byte)count;
    }
}
