using System.Globalization;
using System.Text;
using Maha.Layers.Core;

namespace Maha.Layers.Text;

/// <summary>A text as the hashes of its tokens, divided into segments.</summary>
/// <remarks>
/// <para>A token is a run of letters, digits, marks and underscores, in lower case; a single character of a script that is written without spaces between
/// words; or any other visible character.</para>
/// <para>A segment is one paragraph, or several until it has <see cref="MinWords"/> words. A longer paragraph is cut after the first sentence that ends after
/// <see cref="CutWords"/> words, and after <see cref="MaxWords"/> words in any case. A remainder of fewer than half of <see cref="MinWords"/> words
/// is added to the segment before it.</para>
/// </remarks>
internal sealed class NGramText
{
    public const int MinWords = 30;
    public const int CutWords = 50;
    public const int MaxWords = 80;

    // The constants of the 64-bit FNV-1a hash. Its result is mixed, since hashes of short tokens differ in few bits and pairs combine two of them.
    private const ulong Offset = 14695981039346656037;
    private const ulong Prime = 1099511628211;

    private readonly List<ulong> _tokens = [];
    private readonly List<int> _segmentEnds = [];
    private readonly List<ulong>? _characters;
    private readonly List<int> _characterEnds = [];
    private readonly List<ulong> _word = [];
    private readonly List<(int Start, int End)>? _places;
    private int _wordsInSegment;
    private int _lineEnds;
    private bool _sentenceEnded;

    /// <summary>The hash of each token, in order.</summary>
    public IReadOnlyList<ulong> Tokens => _tokens;

    /// <summary>The end of each segment, in tokens; the last is the number of tokens. Empty if the text has no token.</summary>
    public IReadOnlyList<int> SegmentEnds => _segmentEnds;

    /// <summary>A hash of the tokens in their order: the same for texts that differ only in white space or case.</summary>
    public ulong ContentHash => _tokens.Aggregate(0UL, Pair);

    /// <summary>The hashes of the character trigrams of each word; its start and its end count as characters. Empty unless they were read.</summary>
    public IReadOnlyList<ulong> Characters => _characters ?? [];

    /// <summary>The end of each token's part of <see cref="Characters"/>; empty unless they were read.</summary>
    public IReadOnlyList<int> CharacterEnds => _characterEnds;

    /// <summary>The first character of each token in the text, and the one after its last, in UTF-16 code units. Empty unless they were read.</summary>
    public IReadOnlyList<(int Start, int End)> Places => _places ?? [];

    private NGramText(bool withCharacters, bool withPlaces) => (_characters, _places) = (withCharacters ? [] : null, withPlaces ? [] : null);

    /// <summary>Reads a text, which may be ill-formed UTF-16.</summary>
    /// <param name="text">The text.</param>
    /// <param name="withCharacters">Whether to read <see cref="Characters"/> too.</param>
    /// <param name="withPlaces">Whether to read <see cref="Places"/> too.</param>
    public static NGramText Read(ReadOnlySpan<char> text, bool withCharacters = false, bool withPlaces = false)
    {
        var result = new NGramText(withCharacters, withPlaces);
        result.Scan(text);
        return result;
    }

    /// <summary>Returns the hash of two adjacent tokens; it depends on their order.</summary>
    public static ulong Pair(ulong first, ulong second) => Mix(first ^ (second * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019));

    private void Scan(ReadOnlySpan<char> text)
    {
        ulong word = Offset;
        bool inWord = false;
        int place = 0, wordStart = 0;
        for (int length; place < text.Length; place += length)
        {
            Rune.DecodeFromUtf16(text[place..], out var rune, out length);
            bool isIdeographic = IsIdeographic(rune);
            bool isOfWord = !isIdeographic && IsOfWord(rune);
            if (inWord && !isOfWord)
            {
                Add(Mix(word), isWord: true);
                _places?.Add((wordStart, place));
                (word, inWord) = (Offset, false);
            }
            if (isOfWord)
            {
                if (!inWord)
                    wordStart = place;
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
                Add(Mix((Offset ^ (uint)Rune.ToLowerInvariant(rune).Value) * Prime), isWord: isIdeographic);
                _places?.Add((place, place + length));
                _sentenceEnded = rune.Value is '.' or '!' or '?' or '\u3002' or '\uFF01' or '\uFF1F' or '\u0964' or '\u061F';
            }
        }
        if (inWord)
        {
            Add(Mix(word), isWord: true);
            _places?.Add((wordStart, place));
        }
        EndText();
    }

    private void Add(ulong token, bool isWord)
    {
        bool isParagraph = _lineEnds >= 2;
        _lineEnds = 0;
        bool isFull = isWord && _wordsInSegment >= (_sentenceEnded ? CutWords : MaxWords);
        if (isFull || (isParagraph && _wordsInSegment >= MinWords))
            EndSegment();
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

    private void EndSegment()
    {
        _segmentEnds.Add(_tokens.Count);
        _wordsInSegment = 0;
    }

    private void EndText()
    {
        if (_tokens.Count == 0)
            return;
        if (_segmentEnds.Count > 0 && _wordsInSegment < MinWords / 2)
            _segmentEnds[^1] = _tokens.Count;
        else
            EndSegment();
    }

    private static bool IsOfWord(Rune rune) => rune.IsAscii
        ? char.IsAsciiLetterOrDigit((char)rune.Value) || rune.Value == '_'
        : Rune.GetUnicodeCategory(rune) is <= UnicodeCategory.EnclosingMark or UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber
            or UnicodeCategory.OtherNumber or UnicodeCategory.ConnectorPunctuation;

    // Scripts without spaces between words: Thai, Lao, Myanmar, Khmer; Hiragana, Katakana, Bopomofo; Han with its extensions.
    private static bool IsIdeographic(Rune rune) => rune.Value >= 0x0E00 && IsOfWord(rune) && rune.Value is
        (>= 0x0E00 and <= 0x0EFF) or (>= 0x1000 and <= 0x109F) or (>= 0x1780 and <= 0x17FF) or (>= 0x3040 and <= 0x312F) or (>= 0x31F0 and <= 0x31FF)
        or (>= 0x3400 and <= 0x4DBF) or (>= 0x4E00 and <= 0x9FFF) or (>= 0xF900 and <= 0xFAFF) or (>= 0xFF66 and <= 0xFF9D) or (>= 0x20000 and <= 0x3FFFF);

    private static ulong Mix(ulong z) => DeterministicRandom.Mix(z);
}
