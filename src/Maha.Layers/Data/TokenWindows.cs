using Maha.Layers.Text;

namespace Maha.Layers.Data;

/// <summary>
/// Cuts documents into windows that a pretrained encoder reads one by one, each framed by the special tokens that the encoder was trained with.
/// </summary>
/// <remarks>
/// A window ends at the end of a sentence if one lies in its second half, else between words, else between tokens. A document without tokens is one window
/// without content. The windows of a document follow each other in one sequence of ids, in which the first special token of each tells where it begins.
/// </remarks>
internal sealed class TokenWindows
{
    private readonly WordPieceTokenizer _tokenizer;
    private readonly int _content;

    /// <summary>Creates the rule.</summary>
    /// <param name="tokenizer">The tokenizer of the ids.</param>
    /// <param name="windowLength">The most tokens of a window, special tokens included; at least 8.</param>
    public TokenWindows(WordPieceTokenizer tokenizer, int windowLength)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentOutOfRangeException.ThrowIfLessThan(windowLength, 8);
        _tokenizer = tokenizer;
        _content = windowLength - NumSpecialTokens;
        WindowLength = windowLength;
    }

    /// <summary>The number of special tokens of a window: one before and one after its content.</summary>
    public const int NumSpecialTokens = 2;

    /// <summary>The most tokens of a window, special tokens included.</summary>
    public int WindowLength { get; }

    /// <summary>Returns the content of each window, as a range of the document's token ids.</summary>
    public List<Range> Cut(ReadOnlySpan<int> tokenIds)
    {
        var windows = new List<Range>((tokenIds.Length / _content) + 1);
        int start = 0;
        while (tokenIds.Length - start > _content)
        {
            int end = EndOf(tokenIds, start);
            windows.Add(start..end);
            start = end;
        }
        if (start < tokenIds.Length || windows.Count == 0)
            windows.Add(start..tokenIds.Length);
        return windows;
    }

    /// <summary>Returns all windows of a document as one sequence of ids.</summary>
    public int[] Frame(ReadOnlySpan<int> tokenIds) => Frame(tokenIds, Cut(tokenIds));

    /// <summary>Returns some windows of a document as one sequence of ids.</summary>
    public int[] Frame(ReadOnlySpan<int> tokenIds, IReadOnlyList<Range> windows)
    {
        int length = windows.Sum(window => window.End.Value - window.Start.Value + NumSpecialTokens);
        int[] ids = new int[length];
        int end = 0;
        foreach (var window in windows)
        {
            var content = tokenIds[window];
            ids[end++] = _tokenizer.ClsTokenId;
            content.CopyTo(ids.AsSpan(end));
            end += content.Length;
            ids[end++] = _tokenizer.SepTokenId;
        }
        return ids;
    }

    private int EndOf(ReadOnlySpan<int> tokenIds, int start)
    {
        int most = start + _content;
        for (int end = most; end > start + (_content / 2); end--)
        {
            if (_tokenizer.EndsSentence(tokenIds[end - 1]))
                return end;
        }
        for (int end = most; end > start; end--)
        {
            if (!_tokenizer.ContinuesWord(tokenIds[end]))
                return end;
        }
        return most;
    }
}
