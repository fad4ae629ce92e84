using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using global::Onnx;
using Google.Protobuf;
using Maha.Layers.Core;
using Maha.Layers.Text;

namespace Maha.Onnx.Export;

/// <summary>The files of an exported model.</summary>
internal sealed class ExportFolder
{
    public const string Model = "model.onnx";
    public const string Description = "maha.json";
    public const string Readme = "README.md";
    public const string Vocabulary = "vocab.txt";
    public const string Tokenizer = "tokenizer.json";
    public const string NGrams = "ngrams.bin";

    /// <summary>The prefix of the files of the tokenizer of spectral parts.</summary>
    public const string SpectralPrefix = "spectral-";

    private const string BpeVocabulary = "vocab.json";
    private const string BpeMerges = "merges.txt";

    // The files that not every export has.
    private static readonly string[] s_names =
    [
        Vocabulary, Tokenizer, BpeVocabulary, BpeMerges, NGrams, SpectralPrefix + Tokenizer, SpectralPrefix + BpeVocabulary, SpectralPrefix + BpeMerges,
    ];

    private readonly List<(string Name, byte[] Content)> _files = [];

    /// <summary>Adds the graph.</summary>
    /// <returns>Its bytes.</returns>
    public byte[] Add(ModelProto model)
    {
        byte[] content = model.ToByteArray();
        _files.Add((Model, content));
        return content;
    }

    /// <summary>Adds a file.</summary>
    public void Add(string name, Action<Stream> write)
    {
        using var stream = new MemoryStream();
        write(stream);
        _files.Add((name, stream.ToArray()));
    }

    /// <summary>Adds the files of a tokenizer: those that other libraries read, too.</summary>
    public TokenizerDescription Add(ITextTokenizer tokenizer, string prefix = "")
    {
        if (tokenizer is WordPieceTokenizer pieces)
        {
            _files.Add((prefix + Vocabulary, Encoding.UTF8.GetBytes(pieces.VocabularyText())));
            return new TokenizerDescription { Kind = TokenizerDescription.WordPiece, LowerCase = pieces.LowerCase };
        }
        var bpe = (ByteLevelBpeTokenizer)tokenizer;
        Add(prefix + Tokenizer, bpe.Save);
        string[] names = [.. Enumerable.Range(0, bpe.VocabSize).Select(id => bpe.IsSpecialToken(id) ? bpe.SpecialTokens[id] : Letters(bpe.GetTokenBytes(id)))];
        _files.Add((prefix + BpeVocabulary, JsonSerializer.SerializeToUtf8Bytes(names.Index().ToDictionary(pair => pair.Item, pair => pair.Index))));
        var merges = new StringBuilder("#version: 0.2\n");
        foreach (var (left, right) in bpe.Merges)
            merges.Append(names[left]).Append(' ').Append(names[right]).Append('\n');
        _files.Add((prefix + BpeMerges, Encoding.UTF8.GetBytes(merges.ToString())));
        return new TokenizerDescription
        {
            Kind = TokenizerDescription.ByteLevelBpe,
            Words = TokenizerDescription.WordPattern,
            MaxWordLength = WordScanner.MaxWordLength,
        };
    }

    /// <summary>Writes all files. Each is complete or not there; the description, which has their checksums, is the last.</summary>
    /// <remarks>Files of an earlier export that this one lacks are deleted: those that its description lists, and that have the name of such a file.</remarks>
    public void Write(string folder, ExportDescription description)
    {
        Directory.CreateDirectory(folder);
        _files.Add((Readme, Encoding.UTF8.GetBytes(ExportReadme.Write(description, _files.Select(file => file.Name)))));
        foreach (var (name, content) in _files)
            AtomicFile.Write(Path.Combine(folder, name), stream => stream.Write(content));
        foreach (string name in EarlierFiles(folder).Except(_files.Select(file => file.Name)))
            File.Delete(Path.Combine(folder, name));
        var checksums = _files.ToDictionary(file => file.Name, file => Convert.ToHexStringLower(SHA256.HashData(file.Content)));
        AtomicFile.Write(Path.Combine(folder, Description), stream => stream.Write((description with { Files = checksums }).ToJson()));
    }

    // Without names that no export has: a description could be forged to name other files.
    private static IEnumerable<string> EarlierFiles(string folder)
    {
        string path = Path.Combine(folder, Description);
        try
        {
            return File.Exists(path) ? s_names.Intersect(ExportDescription.Read(path).Files?.Keys ?? []) : [];
        }
        catch (InvalidDataException)
        {
            return [];
        }
    }

    // The letters that GPT-2's files write for bytes: visible characters for themselves, the others from U+0100 on.
    private static string Letters(ReadOnlySpan<byte> bytes)
    {
        var letters = new StringBuilder(bytes.Length);
        foreach (byte value in bytes)
            letters.Append(s_letters[value]);
        return letters.ToString();
    }

    private static readonly char[] s_letters = CreateLetters();

    private static char[] CreateLetters()
    {
        char[] letters = new char[256];
        int next = 256;
        for (int value = 0; value < letters.Length; value++)
            letters[value] = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE ? (char)value : (char)next++;
        return letters;
    }
}
