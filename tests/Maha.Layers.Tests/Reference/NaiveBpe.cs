using System.Text;
using System.Text.RegularExpressions;

namespace Maha.Layers.Tests.Reference;

/// <summary>
/// A slow tokenizer, written from docs/tokenizer.md: words by a regular expression, pairs counted again for each
/// merge, merges applied one after the other to the whole word. The bytes of a token are a string of one character per byte.
/// </summary>
/// <remarks>Only for text whose words have at most 64 characters and whose characters are at most U+FFFF, including lone surrogates.</remarks>
internal sealed partial class NaiveBpe
{
    private readonly int _firstByteId;
    private readonly List<string> _tokens = [];

    private NaiveBpe(int numSpecialTokens)
    {
        _firstByteId = numSpecialTokens;
        _tokens.AddRange(Enumerable.Repeat("", numSpecialTokens));
        _tokens.AddRange(Enumerable.Range(0, 256).Select(b => ((char)b).ToString()));
    }

    internal List<(int Left, int Right)> Merges { get; } = [];

    internal static string[] Words(string text) => [.. WordPattern().Matches(text).Select(m => m.Value)];

    internal static NaiveBpe Train(IEnumerable<string> texts, int vocabSize, long minFrequency, int maxTokenLength, int numSpecialTokens)
    {
        var bpe = new NaiveBpe(numSpecialTokens);
        List<List<int>> words = [.. texts.SelectMany(Words).Select(bpe.BytesOf)];
        while (bpe._tokens.Count < vocabSize)
        {
            var counts = new Dictionary<(int Left, int Right), long>();
            foreach (var word in words)
            {
                for (int i = 1; i < word.Count; i++)
                {
                    counts[(word[i - 1], word[i])] = counts.GetValueOrDefault((word[i - 1], word[i])) + 1;
                }
            }

            var allowed = counts
                .Where(p => p.Value >= minFrequency)
                .Where(p => bpe.Joined(p.Key).Length <= maxTokenLength)
                .OrderByDescending(p => p.Value).ThenBy(p => p.Key.Left).ThenBy(p => p.Key.Right)
                .ToList();
            if (allowed.Count == 0)
            {
                break;
            }

            var best = allowed[0].Key;
            bpe._tokens.Add(bpe.Joined(best));
            bpe.Merges.Add(best);
            words.ForEach(word => Apply(word, best, bpe._tokens.Count - 1));
        }

        return bpe;
    }

    internal int[] Encode(string text) => [.. Words(text).SelectMany(EncodeWord)];

    private List<int> EncodeWord(string word)
    {
        var ids = BytesOf(word);
        for (int merge = 0; merge < Merges.Count; merge++)
        {
            Apply(ids, Merges[merge], _firstByteId + 256 + merge);
        }

        return ids;
    }

    private static void Apply(List<int> ids, (int Left, int Right) merge, int merged)
    {
        for (int i = 0; i + 1 < ids.Count; i++)
        {
            if (ids[i] == merge.Left && ids[i + 1] == merge.Right)
            {
                ids[i] = merged;
                ids.RemoveAt(i + 1);
            }
        }
    }

    private string Joined((int Left, int Right) pair) => _tokens[pair.Left] + _tokens[pair.Right];

    private List<int> BytesOf(string word)
    {
        var ids = new List<int>();
        foreach (char c in word)
        {
            byte[] bytes = char.IsSurrogate(c)
                ? [0xED, (byte)(0x80 | c >> 6 & 0x3F), (byte)(0x80 | c & 0x3F)]
                : Encoding.UTF8.GetBytes(c.ToString());
            ids.AddRange(bytes.Select(b => _firstByteId + b));
        }

        return ids;
    }

    [GeneratedRegex(
        @" ?[\p{L}\p{M}]+|['\u2019]\p{L}[\p{L}\p{M}]*| ?\p{N}{1,3}| ?[^\s\p{L}\p{M}\p{N}][^\s\p{L}\p{N}]*" +
        @"|\s*[\n\v\f\r\u0085\u2028\u2029]|\s+(?= \S)|\s+")]
    private static partial Regex WordPattern();
}
