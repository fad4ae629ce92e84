using System.Globalization;
using System.Text;
using Maha.Layers.Text;

namespace Maha.Benchmarks.Training;

/// <summary>A WordPiece tokenizer of made words, for readers whose documents are token ids.</summary>
internal static class MadeWordPieces
{
    private static readonly string[] s_special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

    /// <summary>Creates a tokenizer.</summary>
    /// <param name="vocabSize">The number of entries, special tokens included.</param>
    public static WordPieceTokenizer Create(int vocabSize)
    {
        var entries = s_special.Concat(Enumerable.Range(0, vocabSize - s_special.Length).Select(i => string.Create(CultureInfo.InvariantCulture, $"w{i}")));
        return WordPieceTokenizer.FromVocabulary(new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', entries))), lowerCase: true);
    }
}
