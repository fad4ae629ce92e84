namespace Maha.Layers.Kernels;

/// <summary>The keys of a block: the first <paramref name="Global"/> tokens of the document, then the tokens [Start, End).</summary>
/// <param name="Global">Global keys in front of the range, none of them in it.</param>
/// <param name="Start">First key of the range.</param>
/// <param name="End">End of the range, exclusive.</param>
internal readonly record struct KeyRange(int Global, int Start, int End)
{
    /// <summary>Number of keys.</summary>
    public int Count => Global + End - Start;

    /// <summary>The token that is key <paramref name="index"/>.</summary>
    public int Token(int index) => index < Global ? index : Start + index - Global;

    /// <summary>How many keys a query at <paramref name="token"/> and all before it may see in a causal model.</summary>
    public int CountUpTo(int token) => Global + token + 1 - Start;
}
