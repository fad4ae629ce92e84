using System.Text;

namespace Maha.Layers.Generation;

/// <summary>Passes text on as it comes, up to the first stop sequence; holds back what may be the beginning of one.</summary>
/// <remarks>Lone surrogates, which a model's bytes may spell, become U+FFFD, so that all that is given out is valid UTF-16.</remarks>
internal sealed class StopSequenceFilter(IReadOnlyList<string> stopSequences)
{
    private readonly StringBuilder _held = new();

    /// <summary>Whether a stop sequence has come; nothing is passed on after it.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>Takes text and returns what can be given out.</summary>
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
            return Valid(all[..stop]);
        }
        int keep = Held(all);
        _held.Append(all, all.Length - keep, keep);
        return Valid(all[..(all.Length - keep)]);
    }

    /// <summary>Ends the text: what was held back is no stop sequence.</summary>
    public string Flush()
    {
        string rest = IsStopped ? "" : Valid(_held.ToString());
        _held.Clear();
        return rest;
    }

    // The longest end of the text that begins a stop sequence, or half of a surrogate pair.
    private int Held(string text)
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

    private static string Valid(string text)
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
