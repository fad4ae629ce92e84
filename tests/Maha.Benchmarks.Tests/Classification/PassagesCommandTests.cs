using Maha.Benchmarks.Classification;
using Maha.Samples.Data.ManualPages;

namespace Maha.Benchmarks.Tests.Classification;

public class PassagesCommandTests
{
    [Fact]
    public void Mixtures_HaveTheShareOfTheirClass_AndNoPassageIsUsedTwice()
    {
        var (passages, mixtures) = PassagesCommand.Make(Pages(), seed: 1, passagesOfKind: 20);
        Assert.Equal(20, passages.Count(line => line.StartsWith("user\t", StringComparison.Ordinal)));
        Assert.Equal(20, passages.Count(line => line.StartsWith("programmer\t", StringComparison.Ordinal)));
        Assert.Equal(["even", "few", "many"], mixtures.Select(line => line.Split('\t')[0]).Distinct().Order(StringComparer.Ordinal));

        var used = new List<string>(passages.Select(line => line.Split('\t')[1]));
        foreach (string line in mixtures)
        {
            string[] parts = TsvText.Decode(line.Split('\t')[1]).Split("\n\n");
            Assert.InRange(parts.Length, 18, 36);
            double share = parts.Count(part => part.StartsWith("user", StringComparison.Ordinal)) / (double)parts.Length;
            Assert.Equal(line.Split('\t')[0] switch { "few" => 1 / 3.0, "even" => 1 / 2.0, _ => 2 / 3.0 }, share, 1e-12);
            used.AddRange(parts);
        }
        Assert.Equal(used.Count, used.Distinct().Count());
        Assert.All(used, passage => Assert.InRange(passage.Split(' ', '\n').Length, 40, 80));
        Assert.Equal(mixtures, PassagesCommand.Make(Pages(), seed: 1, passagesOfKind: 20).Mixtures);
        Assert.NotEqual(mixtures, PassagesCommand.Make(Pages(), seed: 2, passagesOfKind: 20).Mixtures);
    }

    // Pages of five paragraphs of 50 words, whose first word is the page's class.
    private static IEnumerable<LabeledPage> Pages() =>
        from kind in new[] { "user", "programmer" }
        from page in Enumerable.Range(0, 60)
        let text = string.Join("\n\n", Enumerable.Range(0, 5).Select(i => $"{kind} p{page} s{i} {string.Join(' ', Enumerable.Repeat("word", 47))}"))
        select new LabeledPage(kind, text, $"{kind}{page}", 1);
}
