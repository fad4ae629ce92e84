namespace Maha.Layers.Attention;

/// <summary>The keys of a block: the first <paramref name="Global"/> tokens of the document, then the tokens [Start, End).</summary>
/// <param name="Global">The number of global keys before the range; none of them is in it.</param>
/// <param name="Start">The first token of the range.</param>
/// <param name="End">The end of the range, exclusive.</param>
internal readonly record struct KeyRange(int Global, int Start, int End)
{
    /// <summary>The number of keys.</summary>
    public int Count => Global + End - Start;

    /// <summary>The token that is key <paramref name="index"/>.</summary>
    public int Token(int index) => index < Global ? index : Start + index - Global;

    /// <summary>The number of keys that the queries up to <paramref name="token"/> see in a causal model.</summary>
    public int CountUpTo(int token) => Global + token + 1 - Start;
}
