namespace Maha.Layers.Text;

/// <summary>A text as indices into an <see cref="NGramVocabulary"/>; -1 stands for an n-gram that the vocabulary does not have.</summary>
/// <param name="Tokens">The index of each token.</param>
/// <param name="Pairs">The index of each token's pair with the token before it; -1 for the first token.</param>
/// <param name="SegmentEnds">The end of each segment, in tokens.</param>
/// <param name="Characters">The index of each character trigram; empty if the vocabulary has none.</param>
/// <param name="CharacterEnds">The end of each token's part of <paramref name="Characters"/>.</param>
internal sealed record IndexedText(int[] Tokens, int[] Pairs, int[] SegmentEnds, int[] Characters, int[] CharacterEnds)
{
    /// <summary>Returns the character trigrams of the tokens from <paramref name="start"/> to <paramref name="end"/> - 1.</summary>
    public ReadOnlySpan<int> CharactersOf(int start, int end)
        => CharacterEnds.Length == 0 || start == end ? [] : Characters.AsSpan(PackedLists.StartOf(CharacterEnds, start)..CharacterEnds[end - 1]);

    /// <summary>Returns the text as a smaller vocabulary would index it.</summary>
    /// <param name="isKnown">For each n-gram, whether it stays.</param>
    public IndexedText Where(bool[] isKnown)
    {
        int[] Kept(int[] indices)
        {
            int[] kept = new int[indices.Length];
            for (int i = 0; i < kept.Length; i++)
                kept[i] = indices[i] >= 0 && isKnown[indices[i]] ? indices[i] : -1;
            return kept;
        }
        return new IndexedText(Kept(Tokens), Kept(Pairs), SegmentEnds, Kept(Characters), CharacterEnds);
    }

    /// <summary>Returns the first token of each segment and the end of the segment, in tokens.</summary>
    public IEnumerable<(int Start, int End)> Segments() => SegmentEnds.Select((end, i) => (PackedLists.StartOf(SegmentEnds, i), end));
}
