using Maha.Layers.Core;

namespace Maha.Layers.Data;

/// <summary>
/// Documents as sequences of windows (see <see cref="TokenWindows"/>), each framed by special tokens. Of a document with more windows than a limit, a batch
/// reads the first, the last and random ones between them, in their order.
/// </summary>
internal sealed class WindowedDocuments : IDrawnDocuments, IDocumentView
{
    private readonly ITokenizedDocuments _documents;
    private readonly TokenWindows _windows;
    private readonly int _maxWindows;
    private readonly int? _fixedSeed;
    private readonly int[] _lengths;

    /// <summary>Counts the windows of every document.</summary>
    /// <param name="documents">The documents without special tokens. The caller disposes them.</param>
    /// <param name="windows">The rule of the windows.</param>
    /// <param name="maxWindows">The most windows of a document that a batch reads, at least 1; <see cref="int.MaxValue"/> for all.</param>
    /// <param name="fixedSeed">Null if every batch draws anew; a number draws the same windows of a document every time.</param>
    public WindowedDocuments(ITokenizedDocuments documents, TokenWindows windows, int maxWindows, int? fixedSeed)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxWindows, 1);
        (_documents, _windows, _maxWindows, _fixedSeed) = (documents, windows, maxWindows, fixedSeed);
        _lengths = new int[documents.Count];
        for (int i = 0; i < _lengths.Length; i++)
        {
            int[] ids = documents.TokensOf(i);
            int count = windows.Cut(ids).Count;
            _lengths[i] = count <= maxWindows ? ids.Length + (count * TokenWindows.NumSpecialTokens)
                : fixedSeed is null ? maxWindows * windows.WindowLength : Draw(i, 0).Length;
        }
    }

    public int Count => _documents.Count;

    public bool HasLabels => _documents.HasLabels;

    public ITokenizedDocuments Source => _documents;

    public int SourceIndexOf(int index) => index;

    public int LengthOf(int index) => _lengths[index];

    public int LabelOf(int index) => _documents.LabelOf(index);

    public void CopyTokens(int index, Span<int> destination) => Draw(index, 0).CopyTo(destination);

    public int[] Draw(int index, long seed)
    {
        int[] ids = _documents.TokensOf(index);
        var windows = _windows.Cut(ids);
        if (windows.Count <= _maxWindows)
            return _windows.Frame(ids, windows);
        ulong key = DeterministicRandom.Combine(_fixedSeed ?? (int)(seed ^ (seed >> 32)), SeedPurpose.DocumentWindows, index);
        return _windows.Frame(ids, [.. Choose(windows.Count, key).Select(window => windows[window])]);
    }

    private int[] Choose(int count, ulong key)
    {
        if (_maxWindows < 3)
            return _maxWindows == 1 ? [0] : [0, count - 1];
        int[] between = [.. Enumerable.Range(1, count - 2)];
        new DeterministicRandom(key).Shuffle(between.AsSpan());
        return [0, .. between.Take(_maxWindows - 2).Order(), count - 1];
    }
}
