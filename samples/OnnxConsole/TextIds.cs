using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

/// <summary>Makes the token ids of texts as the README of an export describes.</summary>
internal sealed class TextIds
{
    private readonly Func<string, IReadOnlyList<int>> _encode;
    private readonly int _maxTokens;
    private readonly Windows? _windows;

    /// <summary>Reads maha.json and the files of the tokenizer.</summary>
    public TextIds(string folder)
    {
        using var file = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "maha.json")));
        var root = file.RootElement;
        var tokenizer = root.GetProperty("tokenizer");
        if (tokenizer.GetProperty("kind").GetString() == "WordPiece")
        {
            var pieces = WordPieceTokenizer.Create(Path.Combine(folder, "vocab.txt"));
            bool lowerCase = tokenizer.GetProperty("lowerCase").GetBoolean();
            _encode = text => [.. BertWords.Split(text, lowerCase).SelectMany(
                word => pieces.EncodeToIds(word, considerPreTokenization: false, considerNormalization: false))];
        }
        else
        {
            var words = new Regex(tokenizer.GetProperty("words").GetString()!);
            var bpe = BpeTokenizer.Create(new BpeOptions(Path.Combine(folder, "vocab.json"), Path.Combine(folder, "merges.txt"))
            {
                ByteLevel = true,
                PreTokenizer = new RegexPreTokenizer(words, null),
            });
            _encode = text => bpe.EncodeToIds(text);
        }
        _maxTokens = root.GetProperty("maxTokens").GetInt32();
        if (root.GetProperty("overlongDocuments").GetString() != "KeepStart")
            throw new NotSupportedException("This sample keeps the start of a text that is too long. Cut as the README of the export says.");
        if (root.TryGetProperty("windows", out var windows))
            _windows = new Windows(windows, File.ReadAllLines(Path.Combine(folder, "vocab.txt")));
        Labels = [.. root.GetProperty("labels").EnumerateArray().Select(label => label.GetString()!)];
    }

    /// <summary>The labels in the order of the probabilities.</summary>
    public string[] Labels { get; }

    /// <summary>Returns the ids of a text.</summary>
    public long[] Encode(string text)
    {
        int[] ids = [.. _encode(text).Take(_maxTokens)];
        return _windows?.Frame(ids) ?? [.. ids.Select(id => (long)id)];
    }

    // Cuts ids into windows, each framed by two special tokens.
    private sealed class Windows(JsonElement settings, string[] vocabulary)
    {
        private readonly int _content = settings.GetProperty("length").GetInt32() - 2;
        private readonly long _begin = settings.GetProperty("clsTokenId").GetInt64();
        private readonly long _end = settings.GetProperty("sepTokenId").GetInt64();
        private readonly HashSet<int> _sentenceEnds = [.. settings.GetProperty("sentenceEndIds").EnumerateArray().Select(id => id.GetInt32())];

        public long[] Frame(int[] ids)
        {
            var framed = new List<long>();
            int start = 0;
            do
            {
                int end = ids.Length - start <= _content ? ids.Length : EndOf(ids, start);
                framed.Add(_begin);
                framed.AddRange(ids[start..end].Select(id => (long)id));
                framed.Add(_end);
                start = end;
            }
            while (start < ids.Length);
            return [.. framed];
        }

        // After a sentence in the second half, else between two words, else where the window is full.
        private int EndOf(int[] ids, int start)
        {
            int most = start + _content;
            for (int end = most; end > start + (_content / 2); end--)
            {
                if (_sentenceEnds.Contains(ids[end - 1]))
                    return end;
            }
            for (int end = most; end > start; end--)
            {
                if (vocabulary[ids[end]] is not ['#', '#', _, ..])
                    return end;
            }
            return most;
        }
    }
}
