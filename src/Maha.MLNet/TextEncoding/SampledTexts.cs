namespace Maha.MLNet.TextEncoding;

/// <summary>A random sample of streamed texts: each has the same chance (reservoir sampling).</summary>
/// <param name="count">The size of the sample.</param>
/// <param name="seed">The seed of the choice.</param>
internal sealed class SampledTexts(int count, int seed)
{
    private readonly Random _random = new(seed);
    private readonly List<string> _texts = [];

    /// <summary>The number of texts that were read.</summary>
    public int NumRead { get; private set; }

    /// <summary>The sample.</summary>
    public IReadOnlyList<string> Texts => _texts;

    /// <summary>Reads a text, and returns it.</summary>
    public string Add(string text)
    {
        int place = _random.Next(++NumRead);
        if (_texts.Count < count)
            _texts.Add(text);
        else if (place < count)
            _texts[place] = text;
        return text;
    }
}
