using Maha.Samples.Data.ManualPages;

namespace Maha.Samples.Tests.ManualPages;

public class PageReferencesTests
{
    [Fact]
    public void References_AreThoseOfSeeAlso_EachOnceAndInOrder()
    {
        PageSection[] sections =
        [
            new("DESCRIPTION", ["   See close(2)."]),
            new("See Also", ["   open(2), curl_easy_setopt(3), ERR_get_error(3ssl)", "   open(3), pcp.conf(5). A Book, 2nd ed. (1998)"]),
        ];
        Assert.Equal(["ERR_get_error", "curl_easy_setopt", "open", "pcp.conf"], PageReferences.Find(sections));
        Assert.Empty(PageReferences.Find([new("SEE ALSO", ["nothing"])]));
    }

    [Fact]
    public void LabelSets_HaveFrequentLabelsOnly_AndPagesWithoutAnyAreLeftOut()
    {
        (string Name, IReadOnlyList<string> Labels, string Text)[] candidates =
        [
            .. Enumerable.Range(0, 50).Select(i => (
                $"page{i}.1", (IReadOnlyList<string>)[.. new[] { "b", "a", "rare" }.Where((_, l) => l == 0 ? i % 2 == 0 : l == 1 ? i % 5 == 0 : i == 3)], $"text {i}")),
        ];
        var task = PageTask.BuildLabelSets("t", candidates, minPerLabel: 10);
        Assert.Equal(["a", "a;b", "b"], task.Pages.Select(page => page.Label).Distinct().Order());
        Assert.Equal(30, task.Pages.Count);
        Assert.Equal([6, 6, 6, 6, 6], Enumerable.Range(0, PageTask.NumFolds).Select(fold => task.Pages.Count(page => page.Fold == fold)));
        Assert.Equal(task.Pages, PageTask.BuildLabelSets("t", [.. candidates.Reverse()], minPerLabel: 10).Pages);
        Assert.Contains("must not contain ';', but 'a;b' does", Assert.Throws<ArgumentException>(
            () => PageTask.BuildLabelSets("t", [("page", ["a;b"], "text")], minPerLabel: 1)).Message);
    }
}
