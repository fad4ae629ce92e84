using Maha.Samples.Data.ManualPages;

namespace Maha.Samples.Tests.ManualPages;

public class PageTaskTests
{
    private static readonly (string Name, string? Label, string Text)[] s_candidates = Enumerable.Range(0, 137)
        .Select(i => ($"page{i}.{i % 3 + 1}", (string?)(i % 3 == 0 ? "few" : "many"), $"text {i}"))
        .ToArray();

    [Fact]
    public void Split_DoesNotDependOnTheOrderOfThePages()
    {
        var shuffled = s_candidates.ToArray();
        new Random(7).Shuffle(shuffled);

        Assert.Equal(PageTask.Build("t", s_candidates).Pages, PageTask.Build("t", shuffled).Pages);
    }

    // Fixed, so that a change of the hash, which moves pages between the sets on every machine, is seen.
    [Fact]
    public void Hash_IsTheSameEverywhere()
    {
        Assert.Equal(0xba7816bf8f01cfeaUL, PageTask.HashOf("abc"));
        Assert.Equal(0xe3b0c44298fc1c14UL, PageTask.HashOf(""));
    }

    [Fact]
    public void Test_IsAFifthOfEachClass_AndNoPageIsInBoth()
    {
        var task = PageTask.Build("t", s_candidates);

        foreach (var group in task.Pages.GroupBy(page => page.Label))
            Assert.Equal((group.Count() + 4) / 5, group.Count(page => page.Fold == 0));
        Assert.Empty(task.Train.Select(page => page.Name).Intersect(task.Test.Select(page => page.Name)));
        Assert.Equal(s_candidates.Length, task.Train.Count() + task.Test.Count());
    }

    [Fact]
    public void Folds_AreOfEqualSizeInEachClass()
    {
        foreach (var group in PageTask.Build("t", s_candidates).Pages.GroupBy(page => page.Label))
        {
            int[] sizes = Enumerable.Range(0, PageTask.NumFolds).Select(fold => group.Count(page => page.Fold == fold)).ToArray();
            Assert.InRange(sizes.Max() - sizes.Min(), 0, 1);
        }
    }

    [Fact]
    public void Cap_KeepsTheFirstDocumentsOfTheClass()
    {
        var capped = PageTask.Build("t", s_candidates, maxPerClass: 30);

        Assert.All(capped.Pages.GroupBy(page => page.Label), group => Assert.Equal(30, group.Count()));
        var all = PageTask.Build("t", s_candidates).Pages;
        Assert.Equal(all.Where(page => page.Label == "few").Take(30), capped.Pages.Where(page => page.Label == "few"));
    }

    [Fact]
    public void SmallClassesAndUnlabeledPages_AreLeftOut()
    {
        var task = PageTask.Build("t", [.. s_candidates, ("x", null, "x"), ("y", "lonely", "y")], minPerClass: 50);

        Assert.Equal(["many"], task.Pages.Select(page => page.Label).Distinct());
    }

    [Fact]
    public void LengthStatistics_CountWords()
    {
        var lengths = LengthStatistics.Of(["a", "a b", "a b c", "a b c d", string.Join(' ', Enumerable.Repeat("w", 600))]);

        Assert.Equal(new LengthStatistics(5, 1, 3, 122, 600, 600, 1), lengths);
        Assert.Equal("5 documents, words: min 1, median 3, mean 122, p90 600, max 600; 1 over 512", lengths.ToString());
        Assert.Equal(new LengthStatistics(0, 0, 0, 0, 0, 0, 0), LengthStatistics.Of([]));
    }
}
