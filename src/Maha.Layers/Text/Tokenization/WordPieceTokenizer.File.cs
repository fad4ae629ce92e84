using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Maha.Layers.Text;

// The file format, version 1: "MahaWP" in ASCII, the version (2 bytes, little endian), 1 for lower case or 0 (1 byte), the length of the vocabulary
// (4 bytes, little endian), the vocabulary in UTF-8 with a line end after each entry, and the SHA-256 of everything before.
internal sealed partial class WordPieceTokenizer
{
    /// <summary>A vocabulary has less than 20 MB. A longer stream is not a vocabulary and is refused before it fills the memory.</summary>
    internal const int MaxFileBytes = 64 << 20;

    private const string UnknownToken = "[UNK]";
    private const string ClsToken = "[CLS]";
    private const string SepToken = "[SEP]";
    private const string PadToken = "[PAD]";
    private const string ContinuationPrefix = "##";

    private const ushort Version = 1;
    private const int HeaderBytes = 13;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The first bytes of a saved tokenizer.</summary>
    internal static ReadOnlySpan<byte> Signature => "MahaWP"u8;

    /// <summary>Creates a tokenizer from a vocabulary.</summary>
    /// <param name="vocabulary">
    /// A vocabulary file (vocab.txt) in UTF-8: one entry per line, whose id is the number of the line, counted from 0. Entries that continue a word begin with ##.
    /// A byte order mark, carriage returns and empty lines at the end are ignored. The stream is read to its end and stays open.
    /// </param>
    /// <param name="lowerCase">Whether letters become lower case and lose their accents: true for uncased models.</param>
    /// <exception cref="ArgumentNullException"><paramref name="vocabulary"/> is null.</exception>
    /// <exception cref="InvalidDataException">The vocabulary is not valid. The message states the violated rule.</exception>
    public static WordPieceTokenizer FromVocabulary(Stream vocabulary, bool lowerCase)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        return FromVocabulary(ReadAll(vocabulary), lowerCase);
    }

    /// <summary>Returns whether no entry would change in lower case, except names in brackets such as [CLS].</summary>
    public bool IsVocabularyLowerCase() => !_vocabulary.Any(entry => !entry.StartsWith('[') && entry.Any(letter => char.ToLowerInvariant(letter) != letter));

    /// <summary>Returns the vocabulary as text: one entry per line.</summary>
    public string VocabularyText() => string.Concat(_vocabulary.Select(entry => entry + "\n"));

    /// <summary>Writes the tokenizer to a stream. The stream stays open.</summary>
    /// <param name="stream">A stream that can be written.</param>
    /// <exception cref="ArgumentNullException"><paramref name="stream"/> is null.</exception>
    public void Save(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        byte[] text = ToBytes(_vocabulary);
        byte[] content = new byte[HeaderBytes + text.Length];
        Signature.CopyTo(content);
        BinaryPrimitives.WriteUInt16LittleEndian(content.AsSpan(6), Version);
        content[8] = LowerCase ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32LittleEndian(content.AsSpan(9), text.Length);
        text.CopyTo(content, HeaderBytes);
        stream.Write(content);
        stream.Write(SHA256.HashData(content));
    }

    /// <summary>Reads a tokenizer that <see cref="Save"/> wrote, from the position of the stream to its end. The stream stays open.</summary>
    /// <param name="stream">A stream that can be read.</param>
    /// <returns>A tokenizer that encodes exactly as the saved one.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="stream"/> is null.</exception>
    /// <exception cref="InvalidDataException">
    /// The stream does not contain a tokenizer, the tokenizer is truncated or altered, or its version is newer than this library supports. The message states the
    /// violated rule.
    /// </exception>
    public static WordPieceTokenizer Load(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return Load(ReadAll(stream).Span);
    }

    internal static ReadOnlyMemory<byte> ReadAll(Stream stream)
    {
        using var content = new MemoryStream();
        byte[] buffer = new byte[1 << 16];
        for (int read; (read = stream.Read(buffer)) > 0;)
        {
            content.Write(buffer, 0, read);
            if (content.Length > MaxFileBytes)
                throw new InvalidDataException($"A tokenizer or vocabulary file must have at most {MaxFileBytes} bytes, but this stream has more.");
        }
        return content.GetBuffer().AsMemory(0, (int)content.Length);
    }

    internal static WordPieceTokenizer Load(ReadOnlySpan<byte> content)
    {
        if (content.Length < HeaderBytes + SHA256.HashSizeInBytes || !content.StartsWith(Signature))
        {
            throw Invalid(
                $"must begin with \"{Encoding.ASCII.GetString(Signature)}\" and have at least {HeaderBytes + SHA256.HashSizeInBytes} bytes, " +
                $"but this stream of {content.Length} bytes does not");
        }
        int version = BinaryPrimitives.ReadUInt16LittleEndian(content[6..]);
        if (version != Version)
            throw Invalid($"must have version {Version}, but has version {version}. It was saved by another version of this library, or is damaged");
        int length = BinaryPrimitives.ReadInt32LittleEndian(content[9..]);
        if (length != content.Length - HeaderBytes - SHA256.HashSizeInBytes)
        {
            throw Invalid(
                $"must hold the vocabulary that its header announces, {length} bytes, but has {content.Length - HeaderBytes - SHA256.HashSizeInBytes}. " +
                "It is cut off, or data was appended: copy it again");
        }
        var body = content[..^SHA256.HashSizeInBytes];
        if (!SHA256.HashData(body).AsSpan().SequenceEqual(content[body.Length..]))
            throw Invalid("must have the checksum that was saved with it, but has another. It is damaged: copy it again");
        return FromVocabulary(body[HeaderBytes..].ToArray(), content[8] != 0);
    }

    private static WordPieceTokenizer FromVocabulary(ReadOnlyMemory<byte> content, bool lowerCase)
    {
        string text;
        try
        {
            text = s_utf8.GetString(content.Span);
        }
        catch (DecoderFallbackException cause)
        {
            throw new InvalidDataException($"A vocabulary must be text in UTF-8, but is not: {cause.Message} Convert the file to UTF-8.", cause);
        }
        using var reader = new StringReader(text.StartsWith('\uFEFF') ? text[1..] : text);
        var lines = new List<string>();
        while (reader.ReadLine() is { } line)
            lines.Add(line);
        while (lines.Count > 0 && lines[^1].Length == 0)
            lines.RemoveAt(lines.Count - 1);

        var ids = new Dictionary<string, int>(lines.Count);
        for (int id = 0; id < lines.Count; id++)
        {
            if (lines[id].Length == 0)
                throw new InvalidDataException($"Every line of a vocabulary must have an entry, but line {id + 1} of {lines.Count} is empty.");
            if (!ids.TryAdd(lines[id], id))
            {
                throw new InvalidDataException(
                    $"The entries of a vocabulary must differ, but lines {ids[lines[id]] + 1} and {id + 1} are both \"{lines[id]}\".");
            }
        }
        string[] missing = [.. new[] { UnknownToken, ClsToken, SepToken, PadToken }.Where(name => !ids.ContainsKey(name))];
        if (missing.Length > 0)
        {
            throw new InvalidDataException(
                $"A BERT vocabulary must have [UNK], [CLS], [SEP] and [PAD], but {string.Join(", ", missing)} " +
                $"{(missing.Length == 1 ? "is" : "are")} not among its {lines.Count} entries. Use the vocab.txt of the model.");
        }
        return new WordPieceTokenizer([.. lines], ids, lowerCase);
    }

    private static byte[] ToBytes(string[] vocabulary)
    {
        using var stream = new MemoryStream();
        using (var writer = new StreamWriter(stream, s_utf8) { NewLine = "\n" })
        {
            foreach (string entry in vocabulary)
                writer.WriteLine(entry);
        }
        return stream.ToArray();
    }

    private static InvalidDataException Invalid(string rule) => new($"A saved WordPiece tokenizer {rule}.");
}
