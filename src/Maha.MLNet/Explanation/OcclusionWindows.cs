namespace Maha.MLNet.Explanation;

/// <summary>Divides the tokens of a document into windows, each of which is left out once to see what it adds to the network's score.</summary>
internal static class OcclusionWindows
{
    /// <summary>Chooses the windows. Together they are all tokens. They end between words where the length allows it, and never within a character.</summary>
    /// <param name="document">The document.</param>
    /// <param name="places">The place of each token in the document; empty for a token that does not end a character or a word.</param>
    /// <param name="seam">A token at which a window must begin; 0 if there is none.</param>
    /// <param name="reads">The tokens at which a part begins that the network reads apart, so that windows should begin there; they may include 0.</param>
    /// <param name="options">The number and the length of the windows.</param>
    /// <returns>The first token of each window, and its end.</returns>
    public static List<(int Start, int End)> Choose(
        ReadOnlySpan<char> document, IReadOnlyList<(int Start, int End)> places, int seam, IEnumerable<int> reads, ExplanationOptions options)
    {
        var windows = new List<(int Start, int End)>();
        if (options.MaxWindows == 0)
            return windows;
        int[] parts = PartsBetween([.. reads, seam]);
        if (parts.Length > options.MaxWindows)
            parts = PartsBetween([seam]);
        // The last window of a part is shorter than the others, so that parts raise the number of windows.
        int length = Math.Max(options.MinTokensPerWindow, (places.Count + options.MaxWindows - 1) / options.MaxWindows);
        while (length < places.Count && CountWindows(length) > options.MaxWindows)
            length++;
        int start = 0;
        foreach (int end in parts)
        {
            while (start < end)
            {
                int after = EndOf(document, places, start + length, start + length + (length / 2), end);
                windows.Add((start, after));
                start = after;
            }
        }
        return windows;

        int[] PartsBetween(IEnumerable<int> begins) => [.. begins.Append(places.Count).Where(end => end > 0).Distinct().Order()];

        int CountWindows(int size)
        {
            int count = 0, begin = 0;
            foreach (int end in parts)
            {
                count += (end - begin + size - 1) / size;
                begin = end;
            }
            return count;
        }
    }

    // The first end between words from an aim to a limit; else the first end of a character; else the end of the part.
    private static int EndOf(ReadOnlySpan<char> document, IReadOnlyList<(int Start, int End)> places, int aim, int limit, int partEnd)
    {
        int chosen = partEnd;
        for (int end = aim; end < partEnd && (end <= limit || chosen == partEnd); end++)
        {
            if (!HasPlace(places[end - 1]))
                continue;
            if (end <= limit && IsBetweenWords(document, places[end - 1].End))
            {
                chosen = end;
                break;
            }
            if (chosen == partEnd)
                chosen = end;
        }
        // Tokens without a place would be a window without one.
        for (int i = chosen; i < partEnd; i++)
        {
            if (HasPlace(places[i]))
                return chosen;
        }
        return partEnd;
    }

    private static bool HasPlace((int Start, int End) place) => place.End > place.Start;

    private static bool IsBetweenWords(ReadOnlySpan<char> document, int place) =>
        place == 0 || place >= document.Length || char.IsWhiteSpace(document[place]) || char.IsWhiteSpace(document[place - 1]);
}
