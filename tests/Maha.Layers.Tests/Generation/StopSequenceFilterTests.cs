using FsCheck;
using FsCheck.Fluent;
using Maha.Layers.Generation;

namespace Maha.Layers.Tests.Generation;

public class StopSequenceFilterTests
{
    [Fact]
    public void AnyPieces_GiveTheTextBeforeTheFirstStop()
    {
        var text = Gen.Elements("a", "b", "ab", "\U0001F600", "\uD83D", "\uDE00", " ").ListOf(12).Select(list => string.Concat(list));
        var cases =
            from pieces in text.ListOf(4)
            from stops in Gen.Elements("aab", "bab", "ba\U0001F600", "\U0001F600\U0001F600", " ", "abab").ListOf(2)
            select (pieces: pieces.ToArray(), stops: stops.ToArray());
        Prop.ForAll(cases.ToArbitrary(), sample =>
        {
            string all = string.Concat(sample.pieces);
            int stop = sample.stops.Select(sequence => all.IndexOf(sequence, StringComparison.Ordinal)).Where(at => at >= 0).DefaultIfEmpty(all.Length).Min();
            var filter = new StopSequenceFilter(sample.stops);
            var given = new List<string>();
            foreach (string piece in sample.pieces)
                given.Add(filter.Append(piece));
            given.Add(filter.Flush());
            Assert.Equal(stop < all.Length, filter.IsStopped);
            Assert.Equal(Repaired(all[..stop]), string.Concat(given));
            Assert.All(given, piece => Assert.Equal(Repaired(piece), piece)); // every piece is valid by itself
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500).WithReplay(1, 3));
    }

    [Fact]
    public void TextThatCannotStartAStopSequence_IsReturnedAtOnce()
    {
        var filter = new StopSequenceFilter(["END"]);
        Assert.Equal("the ", filter.Append("the E"));
        Assert.Equal("Ex", filter.Append("x"));
        Assert.Equal("y", filter.Append("yEN"));
        Assert.Equal("EN", filter.Flush());
        Assert.Equal("abc", new StopSequenceFilter([]).Append("abc"));
    }

    // The standard's own repair of lone surrogates.
    private static string Repaired(string text) => System.Text.Encoding.Unicode.GetString(System.Text.Encoding.Unicode.GetBytes(text));
}
