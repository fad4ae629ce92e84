using System.Text;
using Maha.Layers.Text;

namespace Maha.Layers.Tests;

/// <summary>A small WordPiece vocabulary.</summary>
internal static class SmallWordPiece
{
    private static readonly string[] s_entries =
    [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cat", "dog", "the", "runs", "sleeps", "good", "bad", ".", "!", ",", "##s", "##ing", "a", "b", "c", "##a", "##b", "##c",
    ];

    public static WordPieceTokenizer Create() =>
        WordPieceTokenizer.FromVocabulary(new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', s_entries))), lowerCase: true);

    public static int Id(string token) => Array.IndexOf(s_entries, token) is >= 0 and int id ? id : throw new ArgumentException($"No entry '{token}'.");
}
