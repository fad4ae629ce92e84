namespace Maha.Layers.Text;

public sealed partial class ByteLevelBpeTokenizer
{
    /// <summary>Writes the tokenizer to a stream as JSON in UTF-8, about 12 bytes per merge. The stream stays open.</summary>
    /// <param name="stream">A stream that can be written.</param>
    /// <exception cref="ArgumentNullException"><paramref name="stream"/> is null.</exception>
    public void Save(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        TokenizerFile.Write(stream, _vocabulary, Options);
    }

    /// <summary>Reads a tokenizer that <see cref="Save"/> wrote, from the position of the stream to its end. The stream stays open.</summary>
    /// <param name="stream">A stream that can be read.</param>
    /// <returns>A tokenizer that encodes and decodes exactly as the saved one.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="stream"/> is null.</exception>
    /// <exception cref="InvalidDataException">
    /// The stream does not contain a tokenizer, the tokenizer is truncated or altered, or its version is newer than this library supports. The message
    /// states the violated rule.
    /// </exception>
    public static ByteLevelBpeTokenizer Load(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        (var vocabulary, var options) = TokenizerFile.Read(stream);
        return new ByteLevelBpeTokenizer(vocabulary, options);
    }
}
