using Maha.Layers.Data;
using Maha.Layers.Text;

namespace Maha.Layers.Tests.Data;

public class TokenWindowsTests
{
    private static readonly WordPieceTokenizer s_tokenizer = SmallWordPiece.Create();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(14)]
    [InlineData(15)]
    [InlineData(200)]
    public void Windows_CoverTheDocumentInOrder(int length)
    {
        int[] ids = Ids(length, seed: length);
        var windows = new TokenWindows(s_tokenizer, 16).Cut(ids);
        int end = 0;
        foreach (var window in windows)
        {
            Assert.Equal(end, window.Start.Value);
            end = window.End.Value;
            Assert.InRange(end - window.Start.Value, length == 0 ? 0 : 1, 14);
        }
        Assert.Equal(length, end);
    }

    [Fact]
    public void Window_EndsAtASentence_ElseAtAWord_ElseAtAToken()
    {
        var windows = new TokenWindows(s_tokenizer, 12);
        int word = Id("cat"), piece = Id("##s"), stop = Id(".");
        Assert.Equal(8, windows.Cut([.. Enumerable.Repeat(word, 7), stop, .. Enumerable.Repeat(word, 6)])[0].End.Value);
        // A sentence that ends in the first half would waste the window.
        Assert.Equal(10, windows.Cut([word, word, stop, .. Enumerable.Repeat(word, 20)])[0].End.Value);
        Assert.Equal(9, windows.Cut([.. Enumerable.Repeat(word, 10), piece, .. Enumerable.Repeat(word, 6)])[0].End.Value);
        Assert.Equal(10, windows.Cut([word, .. Enumerable.Repeat(piece, 30)])[1].End.Value - windows.Cut([word, .. Enumerable.Repeat(piece, 30)])[0].End.Value);
    }

    [Fact]
    public void Frame_PutsSpecialTokensAroundEachWindow()
    {
        int word = Id("cat");
        var windows = new TokenWindows(s_tokenizer, 8);
        int cls = s_tokenizer.ClsTokenId, sep = s_tokenizer.SepTokenId;
        Assert.Equal([cls, sep], windows.Frame([]));
        Assert.Equal([cls, word, word, word, word, word, word, sep, cls, word, sep], windows.Frame(Enumerable.Repeat(word, 7).ToArray()));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(1000)]
    public void DrawnWindows_AreOfTheDocument_WithTheFirstAndTheLast(int maxWindows)
    {
        int[] ids = [.. Enumerable.Range(0, 100).Select(i => Id("cat") + (i % 7))];
        using var documents = TokenizedDataset.FromTokenIds([ids, [Id("cat")], []]);
        var windows = new TokenWindows(s_tokenizer, 12);
        var all = windows.Cut(ids);
        var drawn = new WindowedDocuments(documents, windows, maxWindows, fixedSeed: null);
        int numWindows = Math.Min(maxWindows, all.Count);
        var seen = new HashSet<string>();
        for (int seed = 0; seed < 20; seed++)
        {
            int[] framed = drawn.Draw(0, seed);
            Assert.Equal(framed, drawn.Draw(0, seed));
            Assert.InRange(framed.Length, 1, drawn.LengthOf(0));
            Assert.Equal(numWindows, framed.Count(id => id == s_tokenizer.ClsTokenId));
            Assert.Equal(windows.Frame(ids, [all[0]]), framed[..windows.Frame(ids, [all[0]]).Length]);
            if (maxWindows > 1)
                Assert.Equal(windows.Frame(ids, [all[^1]]), framed[^windows.Frame(ids, [all[^1]]).Length..]);
            seen.Add(string.Join(' ', framed));
        }
        Assert.Equal(numWindows < all.Count && maxWindows > 2, seen.Count > 1);
        Assert.Equal(3, drawn.LengthOf(1));
        Assert.Equal([s_tokenizer.ClsTokenId, s_tokenizer.SepTokenId], drawn.Draw(2, 0));
    }

    [Fact]
    public void FixedDraw_IsTheSameInEveryBatch_AndHasTheStatedLength()
    {
        using var documents = TokenizedDataset.FromTokenIds([Ids(300, 1), Ids(20, 2)]);
        var drawn = new WindowedDocuments(documents, new TokenWindows(s_tokenizer, 16), 4, fixedSeed: 7);
        for (int row = 0; row < 2; row++)
        {
            int[] copied = new int[drawn.LengthOf(row)];
            drawn.CopyTokens(row, copied);
            Assert.Equal(copied, drawn.Draw(row, 1));
            Assert.Equal(copied, drawn.Draw(row, 2));
        }
    }

    private static int Id(string token) => SmallWordPiece.Id(token);

    private static int[] Ids(int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(5, s_tokenizer.VocabSize))];
    }
}
