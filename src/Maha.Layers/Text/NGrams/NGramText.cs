using System.Globalization;
using System.Text;
using Maha.Layers.Core;

namespace Maha.Layers.Text;

/// <summary>The words of a text as hashes, and the segments that they form.</summary>
/// <remarks>
/// <para>A token is a run of letters, digits, marks and underscores, in lower case; a character of a script that is written without spaces between words;
/// or any other visible character.</para>
/// <para>A segment is a paragraph. Paragraphs follow each other into one segment until it has <see cref="MinWords"/> words; a paragraph is cut behind the first
/// sentence that ends after <see cref="CutWords"/> words, and after <see cref="MaxWords"/> in any case. A rest of fewer than half of
/// <see cref="MinWords"/> words joins the segment before it.</para>
/// </remarks>
internal sealed class NGramText
{
    public const int MinWords = 30;
    public const int CutWords = 50;
    public const int MaxWords = 80;

    // Fowler, Noll and Vo's 64-bit constants; a mixing step follows, so that pairs of hashes can be told from each other.
    private const ulong Offset = 14695981039346656037;
    private const ulong Prime = 1099511628211;

    private readonly List<ulong> _tokens = [];
    private readonly List<int> _segmentEnds = [];
    private readonly List<ulong>? _characters;
    private readonly List<int> _characterEnds = [];
    private readonly List<ulong> _word = [];
    private int _wordsInSegment;
    private int _lineEnds;
    private bool _sentenceEnded;

    /// <summary>The hash of every token, in order.</summary>
    public IReadOnlyList<ulong> Tokens => _tokens;

    /// <summary>The end of every segment, in tokens; the last is the number of tokens. Empty where there are none.</summary>
    public IReadOnlyList<int> SegmentEnds => _segmentEnds;

    /// <summary>A number for the tokens and their order: texts that differ in blanks or case only have the same.</summary>
    public ulong Content => _tokens.Aggregate(0UL, Pair);

    /// <summary>The hashes of all three characters in a row of each token, its ends counting as characters; empty where they were not read.</summary>
    public IReadOnlyList<ulong> Characters => _characters ?? [];

    /// <summary>The end of each token's <see cref="Characters"/>; empty where they were not read.</summary>
    public IReadOnlyList<int> CharacterEnds => _characterEnds;

    private NGramText(bool withCharacters) => _characters = withCharacters ? [] : null;

    /// <summary>Reads a text, ill-formed UTF-16 too.</summary>
    /// <param name="text">The text.</param>
    /// <param name="withCharacters">Whether to read <see cref="Characters"/> too.</param>
    public static NGramText Read(ReadOnlySpan<char> text, bool withCharacters = false)
    {
        var result = new NGramText(withCharacters);
        result.Scan(text);
        return result;
    }

    /// <summary>The hash of two tokens that follow each other.</summary>
    public static ulong Pair(ulong first, ulong second) => Mix(first ^ (second * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019));

    private void Scan(ReadOnlySpan<char> text)
    {
        ulong word = Offset;
        bool inWord = false;
        while (!text.IsEmpty)
        {
            Rune.DecodeFromUtf16(text, out var rune, out int length);
            text = text[length..];
            bool standsAlone = IsIdeographic(rune);
            bool ofWord = !standsAlone && IsOfWord(rune);
            if (inWord && !ofWord)
            {
                Add(Mix(word), isWord: true);
                (word, inWord) = (Offset, false);
            }
            if (ofWord)
            {
                uint lower = (uint)Rune.ToLowerInvariant(rune).Value;
                word = (word ^ lower) * Prime;
                if (_characters is not null)
                    _word.Add(lower);
                inWord = true;
            }
            else if (Rune.IsWhiteSpace(rune))
            {
                _lineEnds += rune.Value is '\n' or '\u0085' or '\u2028' ? 1 : rune.Value is '\f' or '\u2029' ? 2 : 0;
            }
            else
            {
                Add(Mix((Offset ^ (uint)Rune.ToLowerInvariant(rune).Value) * Prime), isWord: standsAlone);
                _sentenceEnded = rune.Value is '.' or '!' or '?' or '\u3002' or '\uFF01' or '\uFF1F' or '\u0964' or '\u061F';
            }
        }
        if (inWord)
            Add(Mix(word), isWord: true);
        Close();
    }

    private void Add(ulong token, bool isWord)
    {
        bool isParagraph = _lineEnds >= 2;
        _lineEnds = 0;
        if ((isParagraph && _wordsInSegment >= MinWords) || (_sentenceEnded && isWord && _wordsInSegment >= CutWords) || (isWord && _wordsInSegment >= MaxWords))
            End();
        _tokens.Add(token);
        if (_characters is not null)
            AddCharacters(_characters);
        if (isWord)
        {
            _wordsInSegment++;
            _sentenceEnded = false;
        }
    }

    private void AddCharacters(List<ulong> characters)
    {
        ulong At(int place) => place < 0 || place >= _word.Count ? 0 : _word[place];
        for (int i = 0; i < _word.Count; i++)
            characters.Add(Mix(Pair(Pair(At(i - 1), At(i)), At(i + 1))));
        _word.Clear();
        _characterEnds.Add(characters.Count);
    }

    private void End()
    {
        _segmentEnds.Add(_tokens.Count);
        _wordsInSegment = 0;
    }

    private void Close()
    {
        if (_tokens.Count == 0)
            return;
        if (_segmentEnds.Count > 0 && _wordsInSegment < MinWords / 2)
            _segmentEnds[^1] = _tokens.Count;
        else
            End();
    }

    private static bool IsOfWord(Rune rune) => rune.IsAscii
        ? char.IsAsciiLetterOrDigit((char)rune.Value) || rune.Value == '_'
        : Rune.GetUnicodeCategory(rune) is <= UnicodeCategory.EnclosingMark or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber
            or UnicodeCategory.OtherNumber or UnicodeCategory.ConnectorPunctuation;

    // Thai, Lao, Myanmar, Khmer; Hiragana, Katakana, Bopomofo; Han with its extensions.
    private static bool IsIdeographic(Rune rune) => rune.Value >= 0x0E00 && IsOfWord(rune) && rune.Value is
        (>= 0x0E00 and <= 0x0EFF) or (>= 0x1000 and <= 0x109F) or (>= 0x1780 and <= 0x17FF) or (>= 0x3040 and <= 0x312F) or (>= 0x31F0 and <= 0x31FF)
        or (>= 0x3400 and <= 0x4DBF) or (>= 0x4E00 and <= 0x9FFF) or (>= 0xF900 and <= 0xFAFF) or (>= 0xFF66 and <= 0xFF9D) or (>= 0x20000 and <= 0x3FFFF);

    private static ulong Mix(ulong z) => DeterministicRandom.Mix(z);
}
