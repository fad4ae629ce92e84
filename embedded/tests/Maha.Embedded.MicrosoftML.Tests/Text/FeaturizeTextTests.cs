using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Text;

namespace Maha.Embedded.MicrosoftML.Tests.Text;

public class FeaturizeTextTests
{
    private sealed class Document
    {
        public string Text { get; set; } = "";

        public string Title { get; set; } = "";

        public float Number { get; set; }
    }

    private readonly MLContext _context = new(seed: 1);

    [Fact]
    public void Defaults_EqualTheSlowTwin()
    {
        string[] texts = ["The cat sat on the mat. The CAT!", "", "dog", "a  b\tc \n d the cat", "aaaa aaaa", " ", "x\u0001y"];
        var (expectedSlots, expectedRows) = SlowFeaturizer.Featurize(texts);
        var view = Load(texts);
        var output = _context.Transforms.Text.FeaturizeText("Features", "Text").Fit(view).Transform(view);

        Assert.Equal(expectedSlots, SlotNames(output));
        var rows = Vectors(output, "Features");
        for (int i = 0; i < texts.Length; i++)
        {
            var actual = rows[i].Items().Where(p => p.Value != 0).ToDictionary(p => expectedSlots[p.Key], p => p.Value);
            Assert.Equal(expectedRows[i].Keys.Order(), actual.Keys.Order());
            Assert.All(actual, p => Assert.Equal(expectedRows[i][p.Key], p.Value, 1e-6));
        }
    }

    [Fact]
    public void UnseenWordsAndCharacters_ArePassedOver()
    {
        var model = _context.Transforms.Text.FeaturizeText("Features", "Text").Fit(Load(["one two", "two three"]));
        var output = model.Transform(Load(["one zzz two three"]));
        var names = SlotNames(output);
        var values = Vectors(output, "Features")[0].Items().ToDictionary(p => names[p.Key], p => p.Value);
        Assert.Contains("Word.one", values.Keys);
        Assert.DoesNotContain("Word.one|two", values.Keys);
        Assert.Equal(1 / Math.Sqrt(4), values["Word.two|three"], 1e-6);
    }

    [Fact]
    public void Output_IsASparseNormalizedVectorWithSlotNames()
    {
        var view = Load(["some text", "and other words than those"]);
        var output = _context.Transforms.Text.FeaturizeText("Features", "Text").Fit(view).Transform(view);
        var column = output.Schema["Features"];
        Assert.True(column.IsNormalized());
        Assert.True(column.HasSlotNames());
        Assert.True(column.Type is VectorDataViewType { IsKnownSize: true } type && type.ItemType == NumberDataViewType.Single);
        Assert.Equal(Math.Sqrt(2), Math.Sqrt(Vectors(output, "Features")[0].DenseValues().Sum(v => v * v)), 1e-5);
    }

    [Theory]
    [InlineData(TextNormalizingEstimator.CaseMode.Lower, false, true, true, "\u00C9tude No. 3, cafe\u0301 \u0416\u0419", "etude|no.|3,|cafe|\u0436\u0438")]
    [InlineData(TextNormalizingEstimator.CaseMode.Upper, true, false, false, "\u00C9tude No. 3, x", "\u00C9TUDE|NO|X")]
    [InlineData(TextNormalizingEstimator.CaseMode.None, true, true, true, "Aa \u00E9", "Aa|\u00E9")]
    public void Normalization_FollowsTheOptions(TextNormalizingEstimator.CaseMode mode, bool diacritics, bool punctuations, bool numbers, string text, string words)
    {
        var view = Load([text]);
        var options = new TextFeaturizingEstimator.Options
        {
            CaseMode = mode,
            KeepDiacritics = diacritics,
            KeepPunctuations = punctuations,
            KeepNumbers = numbers,
            OutputTokensColumnName = "Tokens",
        };
        var output = _context.Transforms.Text.FeaturizeText("Features", options, "Text").Fit(view).Transform(view);
        var column = output.Schema["Tokens"];
        using var cursor = output.GetRowCursor([column]);
        Assert.True(cursor.MoveNext());
        VBuffer<ReadOnlyMemory<char>> tokens = default;
        cursor.GetGetter<VBuffer<ReadOnlyMemory<char>>>(column)(ref tokens);
        Assert.Equal(words, string.Join('|', tokens.DenseValues()));
    }

    [Theory]
    [InlineData(NgramExtractingEstimator.WeightingCriteria.Tf, 2, 1)]
    [InlineData(NgramExtractingEstimator.WeightingCriteria.Idf, 0.6931471805599453, 0)]
    [InlineData(NgramExtractingEstimator.WeightingCriteria.TfIdf, 1.3862943611198906, 0)]
    public void Weighting_OfWords(NgramExtractingEstimator.WeightingCriteria weighting, double expectedRare, double expectedCommon)
    {
        var view = Load(["rare common rare", "common"]);
        var options = new TextFeaturizingEstimator.Options { CharFeatureExtractor = null, Norm = TextFeaturizingEstimator.NormFunction.None };
        options.WordFeatureExtractor.NgramLength = 1;
        options.WordFeatureExtractor.Weighting = weighting;
        var output = _context.Transforms.Text.FeaturizeText("Features", options, "Text").Fit(view).Transform(view);
        Assert.Equal(["rare", "common"], SlotNames(output));
        Assert.Equal([(float)expectedRare, (float)expectedCommon], Vectors(output, "Features")[0].DenseValues());
    }

    [Fact]
    public void SkipGrams_AllLengthsAndLimits_AreAsDescribed()
    {
        var view = Load(["a b c d"]);
        var options = new TextFeaturizingEstimator.Options { CharFeatureExtractor = null };
        options.WordFeatureExtractor = new WordBagEstimator.Options { NgramLength = 2, SkipLength = 1, UseAllLengths = false };
        Assert.Equal(["a|b", "a|c", "b|c", "b|d", "c|d"], SlotNames(Fit(options, view)));

        options.WordFeatureExtractor = new WordBagEstimator.Options { NgramLength = 3 };
        Assert.Equal(["a", "a|b", "a|b|c", "b", "b|c", "b|c|d", "c", "c|d", "d"], SlotNames(Fit(options, view)));

        options.WordFeatureExtractor = new WordBagEstimator.Options { NgramLength = 2, MaximumNgramsCount = [4, 1] };
        Assert.Equal(["a", "a|b", "b", "c", "d"], SlotNames(Fit(options, view)));
    }

    [Fact]
    public void LongCharacterGrams_AreCountedLikeAnyOther()
    {
        // Six characters don't fit into the 64 bits of a code: the dictionary numbers their prefixes.
        var view = Load(["abcdefgabcdef", "zbcdefg"]);
        var options = new TextFeaturizingEstimator.Options { WordFeatureExtractor = null, Norm = TextFeaturizingEstimator.NormFunction.None };
        options.CharFeatureExtractor = new WordBagEstimator.Options { NgramLength = 6, UseAllLengths = false };
        var output = Fit(options, view);
        var names = SlotNames(output);
        var rows = Vectors(output, "Features").Select(v => v.Items().ToDictionary(p => names[p.Key], p => p.Value)).ToList();
        Assert.Equal(2, rows[0]["a|b|c|d|e|f"]);
        Assert.Equal(1, rows[0]["b|c|d|e|f|g"]);
        Assert.Equal(1, rows[1]["b|c|d|e|f|g"]);
        Assert.DoesNotContain("a|b|c|d|e|f", rows[1].Keys);
    }

    [Fact]
    public void SeveralColumns_AreReadAsOneText()
    {
        var view = _context.Data.LoadFromEnumerable([new Document { Title = "A b", Text = "c" }]);
        var output = _context.Transforms.Text.FeaturizeText("Features", new TextFeaturizingEstimator.Options(), "Title", "Text").Fit(view).Transform(view);
        var names = SlotNames(output);
        Assert.Contains("Word.b|c", names);
        Assert.Contains("Char.b|<\u241F>|c", names);
    }

    [Fact]
    public void WordBagsNgramsAndNormalization_WorkAloneAndRoundTrip()
    {
        var view = _context.Data.LoadFromEnumerable([new Document { Text = "B a b a", Title = "\u00C9" }, new Document { Text = "B c" }]);
        var text = _context.Transforms.Text;
        var pipeline = text.ProduceWordBags("Features", "Text", ngramLength: 1)
            .Append(text.NormalizeText("Title"))
            .Append(text.FeaturizeText("Other", new TextFeaturizingEstimator.Options { OutputTokensColumnName = "Tokens" }, "Text"))
            .Append(_context.Transforms.Conversion.MapValueToKey("Keys", "Tokens"))
            .Append(text.ProduceNgrams("Ngrams", "Keys", ngramLength: 2, useAllLengths: false));
        var model = pipeline.Fit(view);
        using var stream = new MemoryStream();
        _context.Model.Save(model, view.Schema, stream);
        stream.Position = 0;
        foreach (var transformer in new[] { model, new MLContext().Model.Load(stream, out _) })
        {
            var output = transformer.Transform(view);
            Assert.Equal(["B", "a", "b", "c"], SlotNames(output));
            Assert.Equal([1, 2, 1, 0], Vectors(output, "Features")[0].DenseValues());
            VBuffer<ReadOnlyMemory<char>> names = default;
            output.Schema["Ngrams"].GetSlotNames(ref names);
            Assert.Equal(["b|a", "a|b", "b|c"], names.DenseValues().Select(n => n.ToString()));
            Assert.Equal([2, 1, 0], Vectors(output, "Ngrams")[0].DenseValues());
            using var cursor = output.GetRowCursor([output.Schema["Title"]]);
            ReadOnlyMemory<char> title = default;
            cursor.MoveNext();
            cursor.GetGetter<ReadOnlyMemory<char>>(output.Schema["Title"])(ref title);
            Assert.Equal("e", title.ToString());
        }
    }

    [Fact]
    public void SavedAndLoaded_GivesTheSameVectors()
    {
        var view = Load(["Some text here", "more text, more words", "\u00E9\u4E2D\uD83D\uDE00"]);
        var options = new TextFeaturizingEstimator.Options { OutputTokensColumnName = "Tokens", KeepPunctuations = false };
        options.WordFeatureExtractor.Weighting = NgramExtractingEstimator.WeightingCriteria.TfIdf;
        options.CharFeatureExtractor.NgramLength = 5;
        options.CharFeatureExtractor.UseAllLengths = true;
        var model = _context.Transforms.Text.FeaturizeText("Features", options, "Text").Fit(view);
        using var stream = new MemoryStream();
        _context.Model.Save(model, view.Schema, stream);
        stream.Position = 0;
        var loaded = new MLContext().Model.Load(stream, out _);

        var unseen = Load(["text here and there", "Some \u00E9\u4E2D\uD83D\uDE00"]);
        var before = model.Transform(unseen);
        var after = loaded.Transform(unseen);
        Assert.Equal(SlotNames(before), SlotNames(after));
        Assert.Equal(Vectors(before, "Features").Select(v => v.DenseValues().ToArray()), Vectors(after, "Features").Select(v => v.DenseValues().ToArray()));
    }

    [Fact]
    public void MissingOrWrongColumn_IsASchemaMismatch()
    {
        var view = Load(["a"]);
        var missing = Assert.Throws<ArgumentOutOfRangeException>(() => _context.Transforms.Text.FeaturizeText("Features", "Nowhere").Fit(view));
        Assert.Contains("Could not find input column 'Nowhere'", missing.Message);
        var wrong = Assert.Throws<ArgumentOutOfRangeException>(() => _context.Transforms.Text.FeaturizeText("Features", "Number").Fit(view));
        Assert.Contains("Schema mismatch for input column 'Number'", wrong.Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => _context.Transforms.Text.FeaturizeText("Features", "Number").GetOutputSchema(SchemaShape.Create(view.Schema)));
    }

    [Fact]
    public void ImpossibleOptions_AreRefused()
    {
        var view = Load(["a"]);
        var none = new TextFeaturizingEstimator.Options { WordFeatureExtractor = null, CharFeatureExtractor = null };
        Assert.Throws<ArgumentOutOfRangeException>(() => Fit(none, view));
        var skips = new TextFeaturizingEstimator.Options { WordFeatureExtractor = new WordBagEstimator.Options { NgramLength = 1, SkipLength = 1 } };
        Assert.Throws<ArgumentOutOfRangeException>(() => Fit(skips, view));
        var tooLong = new TextFeaturizingEstimator.Options { WordFeatureExtractor = new WordBagEstimator.Options { NgramLength = 9, SkipLength = 2 } };
        Assert.Throws<ArgumentOutOfRangeException>(() => Fit(tooLong, view));
    }

    [Fact]
    public void OutputSchema_IsWhatTransformDelivers()
    {
        var view = Load(["a b"]);
        var estimator = _context.Transforms.Text.FeaturizeText("Features", "Text");
        Assert.True(estimator.GetOutputSchema(SchemaShape.Create(view.Schema)).TryFindColumn("Features", out var promised));
        Assert.True(SchemaShape.Create(estimator.Fit(view).Transform(view).Schema).TryFindColumn("Features", out var delivered));
        Assert.True(promised.IsCompatibleWith(delivered));
        Assert.Equal(promised.Annotations.Select(a => a.Name).Order(), delivered.Annotations.Select(a => a.Name).Order());
    }

    private IDataView Fit(TextFeaturizingEstimator.Options options, IDataView view)
        => _context.Transforms.Text.FeaturizeText("Features", options, "Text").Fit(view).Transform(view);

    private IDataView Load(string[] texts) => _context.Data.LoadFromEnumerable(texts.Select(t => new Document { Text = t }));

    private static List<string> SlotNames(IDataView view)
    {
        VBuffer<ReadOnlyMemory<char>> names = default;
        view.Schema["Features"].GetSlotNames(ref names);
        return names.DenseValues().Select(n => n.ToString()).ToList();
    }

    private static List<VBuffer<float>> Vectors(IDataView view, string name)
    {
        var rows = new List<VBuffer<float>>();
        var column = view.Schema[name];
        using var cursor = view.GetRowCursor([column]);
        var getter = cursor.GetGetter<VBuffer<float>>(column);
        while (cursor.MoveNext())
        {
            VBuffer<float> row = default;
            getter(ref row);
            rows.Add(row);
        }

        return rows;
    }
}
