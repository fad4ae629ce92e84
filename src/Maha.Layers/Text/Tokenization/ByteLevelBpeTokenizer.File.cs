namespace Maha.Layers.Text;

public sealed partial class ByteLevelBpeTokenizer
{
    /// <summary>Writes the tokenizer in the form of docs/tokenizer.md: UTF-8 JSON, about 12 bytes a merge. Leaves the stream open.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="stream"/> is null.</exception>
    public void Save(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        TokenizerFile.Write(stream, _vocabulary, Options);
    }

    /// <summary>Reads a tokenizer that <see cref="Save"/> wrote, from the stream's position to its end. Leaves the stream open.</summary>
    /// <returns>A tokenizer that encodes and decodes as the saved one.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="stream"/> is null.</exception>
    /// <exception cref="InvalidDataException">
    /// The stream holds no tokenizer, a truncated or altered one, or one of a newer version; the message says which rule is broken.
    /// </exception>
    public static ByteLevelBpeTokenizer Load(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        (var vocabulary, var options) = TokenizerFile.Read(stream);
        return new ByteLevelBpeTokenizer(vocabulary, options);
    }
}
