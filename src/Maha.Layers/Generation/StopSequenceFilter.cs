using System.Text;

namespace Maha.Layers.Generation;

/// <summary>Passes generated text on up to the first stop sequence. Text that may be the beginning of a stop sequence is held back.</summary>
/// <remarks>Lone surrogates, which a model can generate byte by byte, become U+FFFD, so that the output is valid UTF-16.</remarks>
internal sealed class StopSequenceFilter(IReadOnlyList<string> stopSequences)
{
    private readonly StringBuilder _held = new();

    /// <summary>Whether a stop sequence has appeared. No text is passed on after it.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Adds text and returns the text that can be passed on.</summary>
    public string Append(string text)
    {
        if (IsStopped || text.Length == 0)
            return "";
        string all = _held.Append(text).ToString();
        _held.Clear();
        int stop = -1;
        foreach (string sequence in stopSequences)
        {
            int at = all.IndexOf(sequence, StringComparison.Ordinal);
            stop = at >= 0 && (stop < 0 || at < stop) ? at : stop;
        }
        if (stop >= 0)
        {
            IsStopped = true;
            return ReplaceLoneSurrogates(all[..stop]);
        }
        int heldBack = HeldBackLength(all);
        _held.Append(all, all.Length - heldBack, heldBack);
        return ReplaceLoneSurrogates(all[..(all.Length - heldBack)]);
    }

    /// <summary>Ends the text and returns the text that was held back, since no stop sequence can follow.</summary>
    public string Flush()
    {
        string rest = IsStopped ? "" : ReplaceLoneSurrogates(_held.ToString());
        _held.Clear();
        return rest;
    }

    // The length of the longest end of the text that begins a stop sequence, or that is the first half of a surrogate pair.
    private int HeldBackLength(string text)
    {
        int longest = char.IsHighSurrogate(text[^1]) ? 1 : 0;
        foreach (string sequence in stopSequences)
        {
            for (int count = Math.Min(sequence.Length - 1, text.Length); count > longest; count--)
            {
                if (text.AsSpan(text.Length - count).SequenceEqual(sequence.AsSpan(0, count)))
                    longest = count;
            }
        }
        return longest;
    }

    private static string ReplaceLoneSurrogates(string text)
    {
        StringBuilder? repaired = null;
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]))
            {
                i++;
                continue;
            }
            repaired ??= new StringBuilder(text);
            repaired[i] = '\uFFFD';
        }
        return repaired?.ToString() ?? text;
    }
}
