using Maha.MLNet.Explanation;
using Maha.MLNet.Rows;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.Explanation;

/// <summary>The columns of an explanation are computed when they are read, once per row.</summary>
public sealed class ExplanationColumnsTests
{
    [Fact]
    public void Rows_AreExplainedWhenTheyAreRead_Once()
    {
        var window = new Window();
        List<string> explained = [];
        var getters = ExplanationColumns.CreateGetters("Why", window, text =>
        {
            explained.Add(text.ToString());
            return new TextExplanation("a", 0.5, [new TextSpan(explained.Count, 2, 0.25, SpanSource.NGrams)], []);
        }).ToList();
        Assert.Empty(explained);
        var starts = (ValueGetter<VBuffer<int>>)getters[0];
        var lengths = (ValueGetter<VBuffer<int>>)getters[1];
        var contributions = (ValueGetter<VBuffer<float>>)getters[2];
        Assert.Equal((1, 2, 0.25f), Read());
        Assert.Equal(["text 0"], explained);
        window.Current = 1;
        Assert.Empty(explained.Skip(1));
        Assert.Equal((2, 2, 0.25f), Read());
        (window.Version, window.Current) = (1, 0);
        Assert.Equal((3, 2, 0.25f), Read());
        Assert.Equal((3, 2, 0.25f), Read());
        Assert.Equal(["text 0", "text 1", "text 0"], explained);
        Assert.Empty(ExplanationColumns.CreateGetters(null, window, _ => throw new InvalidOperationException()));

        (int, int, float) Read()
        {
            VBuffer<int> start = default, length = default;
            VBuffer<float> contribution = default;
            starts(ref start);
            lengths(ref length);
            contributions(ref contribution);
            return (start.DenseValues().Single(), length.DenseValues().Single(), contribution.DenseValues().Single());
        }
    }

    [Fact]
    public void Windows_GiveTheirContributionToTheWordsThatBeginInThem()
    {
        TextSpan[] words =
        [
            new(0, 4, 1, SpanSource.NGrams), new(5, 1, 2, SpanSource.NGrams), new(7, 6, -1, SpanSource.NGrams), new(20, 2, 3, SpanSource.NGrams),
        ];
        TextSpan[] windows = [new(0, 10, 1.1, SpanSource.Network), new(10, 5, 0.5, SpanSource.Network), new(15, 3, 0.25, SpanSource.Network)];
        Assert.Equal(
        [
            new(0, 4, 1 + (4.0 / 11 * 1.1), SpanSource.Both), new(5, 1, 2 + (1.0 / 11 * 1.1), SpanSource.Both),
            new(7, 6, -1 + (6.0 / 11 * 1.1) + (0.5 * 3 / 5), SpanSource.Both), new(13, 2, 0.5 - (0.5 * 3 / 5), SpanSource.Network),
            new(15, 3, 0.25, SpanSource.Network), new(20, 2, 3, SpanSource.NGrams),
        ], SpanJoin.Join(words, windows));
        Assert.Equal(words, SpanJoin.Join(words, []));
        Assert.Equal(windows, SpanJoin.Join([], windows));
    }

    [Fact]
    public void JoinedSpans_DoNotOverlap_AndHaveTheWholeContribution()
    {
        for (int seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            var (words, windows) = (Draw(SpanSource.NGrams, maxGap: 3), Draw(SpanSource.Network, maxGap: 1));
            var joined = SpanJoin.Join(words, windows);
            // Every span is a word, or what a window has beyond the words where none begins in it.
            var places = words.Select(word => (word.Start, word.End)).ToHashSet();
            Assert.Equal(words.Length, joined.Count(span => places.Contains((span.Start, span.End))));
            Assert.All(
                joined.Where(span => !places.Contains((span.Start, span.End))),
                span => Assert.Contains(windows, window =>
                    window.End == span.End && window.Start <= span.Start && !words.Any(word => word.Start >= window.Start && word.Start < window.End)));
            Assert.All(joined.Zip(joined.Skip(1)), pair => Assert.True(pair.First.End <= pair.Second.Start, $"seed {seed}: {pair.First}, {pair.Second}"));
            Assert.Equal(words.Concat(windows).Sum(span => span.Contribution), joined.Sum(span => span.Contribution), 1e-9);

            TextSpan[] Draw(SpanSource source, int maxGap)
            {
                var spans = new List<TextSpan>();
                for (int start = random.Next(4); start < 40;)
                {
                    int length = random.Next(1, 9);
                    spans.Add(new TextSpan(start, length, random.NextDouble() - 0.5, source));
                    start += length + random.Next(maxGap + 1);
                }
                return [.. spans];
            }
        }
    }

    [Fact]
    public void OcclusionWindows_EndBetweenWords_AndAreNotTooMany()
    {
        const string text = "aa bb cc dd ee ff gg hh";
        // Two tokens per word, the first with the space before it.
        (int Start, int End)[] places =
            [.. Enumerable.Range(0, 16).Select(i => ((i / 2 * 3) + (i % 2) - (i > 0 && i % 2 == 0 ? 1 : 0), (i / 2 * 3) + (i % 2) + 1))];
        foreach (int most in new[] { 1, 2, 3, 5, 16 })
        {
            var windows = OcclusionWindows.Choose(text, places, seam: 0, [0], new ExplanationOptions { MaxWindows = most, MinTokensPerWindow = 1 });
            Assert.InRange(windows.Count, 1, most);
            Assert.Equal((0, 16), (windows[0].Start, windows[^1].End));
            Assert.All(windows.Zip(windows.Skip(1)), pair => Assert.Equal(pair.First.End, pair.Second.Start));
            if (most <= 5)
                Assert.All(windows, window => Assert.True(places[window.End - 1].End == text.Length || text[places[window.End - 1].End] == ' '));
        }
        // A seam is always an end, parts that are read apart where there are not too many.
        Assert.Contains((0, 5), OcclusionWindows.Choose(text, places, seam: 5, [], new ExplanationOptions { MaxWindows = 2 }));
        Assert.Equal([(0, 3), (3, 16)], OcclusionWindows.Choose(text, places, seam: 0, [0, 3], new ExplanationOptions()));
        Assert.Single(OcclusionWindows.Choose(text, places, seam: 0, [0, 3, 7], new ExplanationOptions { MaxWindows = 2 }));
        Assert.Empty(OcclusionWindows.Choose(text, places, seam: 0, [0], new ExplanationOptions { MaxWindows = 0 }));
    }

    private sealed class Window : ITextWindow
    {
        public long Version { get; set; }

        public int Count => 2;

        public int Current { get; set; }

        public ReadOnlyMemory<char> TextOf(int index) => $"text {index}".AsMemory();
    }
}
