using System.Security.Cryptography;
using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.Onnx.Export;

namespace Maha.Onnx;

/// <summary>Computes the inputs of an exported graph from texts, with the files beside the graph. Instances are thread-safe.</summary>
/// <remarks>It is managed code: a program that only runs exported graphs does not need libtorch.</remarks>
public sealed class OnnxTextReader
{
    private readonly ExportDescription _description;
    private readonly ITextTokenizer _tokenizer;
    private readonly ITextTokenizer? _spectralTokenizer;
    private readonly NGramClassifier? _ngrams;
    private readonly TokenWindows? _windows;

    internal OnnxTextReader(ExportDescription description, ITextTokenizer tokenizer, ITextTokenizer? spectralTokenizer, NGramClassifier? ngrams)
    {
        (_description, _tokenizer, _spectralTokenizer, _ngrams) = (description, tokenizer, spectralTokenizer, ngrams);
        if (description.Windows is { } windows)
            _windows = new TokenWindows((WordPieceTokenizer)tokenizer, windows.Length);
    }

    /// <summary>Reads the files of an export: <c>maha.json</c>, the tokenizer's and the n-grams'.</summary>
    /// <remarks>
    /// The files must have the checksums that <c>maha.json</c> holds. The reader does not open <c>model.onnx</c> and the files for other libraries, so it does
    /// not check them.
    /// </remarks>
    /// <param name="folder">The folder that the model was exported to.</param>
    /// <exception cref="FileNotFoundException">A file that the reader needs is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged or of another export, a setting in <c>maha.json</c> is not valid, or a newer version of this
    /// library wrote it.</exception>
    /// <exception cref="IOException">A file can't be read.</exception>
    public static OnnxTextReader Load(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var description = ExportDescription.Read(Path.Combine(folder, ExportFolder.Description));
        ITextTokenizer tokenizer;
        if (description.Tokenizer.Kind == TokenizerDescription.WordPiece)
        {
            using var vocabulary = Open(ExportFolder.Vocabulary);
            tokenizer = WordPieceTokenizer.FromVocabulary(vocabulary, description.Tokenizer.LowerCase);
        }
        else
        {
            tokenizer = ReadTokenizer(ExportFolder.Tokenizer);
        }
        NGramClassifier? ngrams = null;
        if (description.HasNGrams)
        {
            using var stream = Open(ExportFolder.NGrams);
            ngrams = NGramClassifier.Load(stream, description.Labels!.Count, description.NGramFormat);
        }
        return new OnnxTextReader(
            description, tokenizer, description.HasSpectralIds ? ReadTokenizer(ExportFolder.SpectralPrefix + ExportFolder.Tokenizer) : null, ngrams);

        ByteLevelBpeTokenizer ReadTokenizer(string name)
        {
            using var stream = Open(name);
            return ByteLevelBpeTokenizer.Load(stream);
        }

        FileStream Open(string name)
        {
            string path = Path.Combine(folder, name);
            if (!File.Exists(path))
                throw new FileNotFoundException($"An exported model must have the file '{name}', but '{folder}' has none. Copy the whole folder.", path);
            var stream = File.OpenRead(path);
            try
            {
                string actual = Convert.ToHexStringLower(SHA256.HashData(stream));
                string expected = description.Files?.GetValueOrDefault(name) ?? "none";
                if (actual != expected)
                {
                    throw new InvalidDataException(
                        $"The file '{name}' must have the SHA-256 that '{ExportFolder.Description}' holds, {expected}, but has {actual}: it is damaged, or " +
                        "of another export. Copy the whole folder again, or export the model again.");
                }
                stream.Position = 0;
                return stream;
            }
            catch
            {
                stream.Dispose();
                throw;
            }
        }
    }

    /// <summary>The labels of a classifier in the order of its probabilities; empty for an encoder.</summary>
    public IReadOnlyList<string> Labels => _description.Labels ?? [];

    /// <summary>Computes the inputs for a text.</summary>
    /// <param name="text">Any text.</param>
    public OnnxTextInput Read(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int limit = _description.MaxTokens;
        var overlong = _description.OverlongDocuments;
        var (part, all) = TokenLimit.Encode(_tokenizer, text.AsMemory(), limit, overlong);
        var ids = TokenLimit.Cut(all, limit, overlong);
        var input = new OnnxTextInput { InputIds = _windows is null ? ids.ToArray() : _windows.Frame(ids.Span) };
        if (_spectralTokenizer is null && _ngrams is null)
            return input;
        string read = TokenLimit.CutText(part, all, limit, overlong, _tokenizer).ToString();
        if (_spectralTokenizer is not null)
            input = input with { SpectralIds = _spectralTokenizer.Encode(read) };
        if (_ngrams is null)
            return input;
        var words = _ngrams.Read(read);
        return input with
        {
            NGramLogits = [.. _ngrams.NewTextLogits(words).Select(logit => (float)logit)],
            CopyCounts = _ngrams.RepeatedTexts.CountsOf(words.ContentHash, _description.Labels!.Count),
        };
    }
}
