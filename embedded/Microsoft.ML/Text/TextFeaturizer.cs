using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Text;

namespace Microsoft.ML.Text;

/// <summary>
/// The dictionaries of a text featurization and how a row becomes a vector: normalized text, words and characters,
/// n-gram counts of each with weights and norm, characters before words.
/// </summary>
internal sealed class TextFeaturizer
{
    // What stands between the texts of several columns, and at both ends of the characters.
    private const char UnitSeparator = '\u001F';
    private const char StartMarker = '\u0002';
    private const char EndMarker = '\u0003';

    private readonly Dictionary<string, int> _wordIds = [];
    private readonly List<string> _words = [];
    private readonly int _maxWords;
    private readonly bool _normalizes;

    public TextFeaturizer(TextFeaturizingEstimator.Options options)
    {
        Options = options;
        _normalizes = options.CaseMode != TextNormalizingEstimator.CaseMode.None || !options.KeepDiacritics || !options.KeepPunctuations || !options.KeepNumbers;
        Words = NgramPart.Create(options.WordFeatureExtractor, 32);
        Chars = NgramPart.Create(options.CharFeatureExtractor, 16);
        int[] maximum = options.WordFeatureExtractor?.MaximumNgramsCount ?? [];
        _maxWords = maximum.Length == 0 ? NgramExtractingEstimator.DefaultMaximumCount : maximum[0];
    }

    public TextFeaturizingEstimator.Options Options { get; }

    /// <summary>Null if words are not used.</summary>
    public NgramPart Words { get; }

    /// <summary>Null if characters are not used.</summary>
    public NgramPart Chars { get; }

    public int Size => (Words?.Dictionary.Count ?? 0) + (Chars?.Dictionary.Count ?? 0);

    public Row CreateRow(bool isVector) => new(this, isVector);

    public void AddWord(string word)
    {
        _words.Add(word);
        _wordIds[word] = _words.Count;
    }

    public IReadOnlyList<string> Vocabulary => _words;

    /// <summary>Slot names as ML.NET writes them: Char.a|b|c, Word.some|words; without prefix if there is one part only.</summary>
    public ReadOnlyMemory<char>[] SlotNames()
    {
        var names = new List<ReadOnlyMemory<char>>();
        bool prefix = Words != null && Chars != null;
        Chars?.AddNames(names, prefix ? "Char." : "", CharacterNames.Of);
        Words?.AddNames(names, prefix ? "Word." : "", token => token == 0 ? "*" : _words[(int)token - 1]);
        return names.ToArray();
    }

    /// <summary>The working memory of one thread.</summary>
    internal sealed class Row
    {
        private readonly TextFeaturizer _parent;
        private readonly bool _isVector;
        private readonly TextNormalization _normalization;
        private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _wordLookup;
        private readonly List<ReadOnlyMemory<char>> _texts = [];
        private readonly List<uint> _tokens = [];
        private readonly uint[] _scratch = new uint[NgramDictionary.MaxSkipNgramLength];
        private readonly NgramCounter _charCounts = new();
        private readonly NgramCounter _wordCounts = new();

        public Row(TextFeaturizer parent, bool isVector)
        {
            _parent = parent;
            _isVector = isVector;
            _wordLookup = parent._wordIds.GetAlternateLookup<ReadOnlySpan<char>>();
            var options = parent.Options;
            if (parent._normalizes)
                _normalization = new TextNormalization(options.CaseMode, options.KeepDiacritics, options.KeepPunctuations, options.KeepNumbers);
        }

        /// <summary>Takes the texts of a row; several of them, of which normalization drops the empty ones, form a vector.</summary>
        public void Read(ReadOnlySpan<ReadOnlyMemory<char>> texts)
        {
            _texts.Clear();
            foreach (var text in texts)
            {
                var normalized = _normalization == null ? text : _normalization.Normalize(text);
                if (!_isVector || _normalization == null || !normalized.IsEmpty)
                    _texts.Add(normalized);
            }
        }

        public void Train()
        {
            _parent.Words?.Train(WordTokens(add: true), _scratch, _wordCounts);
            _parent.Chars?.Train(CharTokens(), _scratch, _charCounts);
        }

        public void Featurize(ref VBuffer<float> dst)
        {
            _parent.Chars?.Dictionary.Visit(CharTokens(), _scratch, add: false, _charCounts);
            _parent.Words?.Dictionary.Visit(WordTokens(add: false), _scratch, add: false, _wordCounts);
            var charSlots = _charCounts.Slots();
            var wordSlots = _wordCounts.Slots();
            int count = charSlots.Length + wordSlots.Length;
            var editor = VBufferEditor.Create(ref dst, _parent.Size, count, requireIndicesOnDense: true);
            _parent.Chars?.Fill(_charCounts, charSlots, 0, editor.Values, editor.Indices, _parent.Options.Norm);
            _parent.Words?.Fill(_wordCounts, wordSlots, _parent.Chars?.Dictionary.Count ?? 0, editor.Values[charSlots.Length..],
                editor.Indices[charSlots.Length..], _parent.Options.Norm);
            dst = editor.Commit();
            _charCounts.Clear();
            _wordCounts.Clear();
        }

        /// <summary>The words: what stands between spaces, line feeds and tabs included.</summary>
        public IEnumerable<ReadOnlyMemory<char>> SplitWords()
        {
            foreach (var text in _texts)
            {
                for (int start = 0; start < text.Length;)
                {
                    int length = text.Span[start..].IndexOf(' ');
                    if (length < 0)
                        length = text.Length - start;
                    var word = text.Slice(start, length);
                    if (!word.IsEmpty)
                        yield return word;
                    start += length + 1;
                }
            }
        }

        private ReadOnlySpan<uint> WordTokens(bool add)
        {
            _tokens.Clear();
            foreach (var word in SplitWords())
            {
                if (!_wordLookup.TryGetValue(word.Span, out int id) && add && _parent._words.Count < _parent._maxWords)
                {
                    _parent.AddWord(word.ToString());
                    id = _parent._words.Count;
                }

                _tokens.Add((uint)id);
            }

            return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_tokens);
        }

        private ReadOnlySpan<uint> CharTokens()
        {
            _tokens.Clear();
            if (_isVector || !_texts[0].IsEmpty)
            {
                _tokens.Add(StartMarker);
                for (int i = 0; i < _texts.Count; i++)
                {
                    if (i > 0 && !_texts[i].IsEmpty)
                        _tokens.Add(UnitSeparator);
                    foreach (char c in _texts[i].Span)
                        _tokens.Add(c);
                }

                _tokens.Add(EndMarker);
            }

            return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_tokens);
        }
    }
}
