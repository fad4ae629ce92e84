namespace Maha.Layers.Text;

/// <summary>Loads saved tokenizers of any kind.</summary>
internal static class TextTokenizers
{
    /// <summary>
    /// Reads a tokenizer that <see cref="WordPieceTokenizer.Save"/> or <see cref="ByteLevelBpeTokenizer.Save"/> wrote, from the position of the stream to its end.
    /// The stream stays open.
    /// </summary>
    /// <param name="stream">A stream that can be read.</param>
    /// <exception cref="ArgumentNullException"><paramref name="stream"/> is null.</exception>
    /// <exception cref="InvalidDataException">The stream does not contain a tokenizer, or the tokenizer is damaged. The message states the violated rule.</exception>
    public static ITextTokenizer Load(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var content = WordPieceTokenizer.ReadAll(stream);
        if (content.Span.StartsWith(WordPieceTokenizer.Signature))
            return WordPieceTokenizer.Load(content.Span);
        using var json = new MemoryStream(content.ToArray(), writable: false);
        return ByteLevelBpeTokenizer.Load(json);
    }
}
