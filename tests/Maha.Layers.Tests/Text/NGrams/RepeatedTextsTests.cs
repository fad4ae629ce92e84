using Maha.Layers.Text;

namespace Maha.Layers.Tests.Text;

public class RepeatedTextsTests
{
    [Theory]
    [InlineData(3, true)]
    [InlineData(9.9, true)]
    [InlineData(10, false)]
    [InlineData(100, false)]
    public void CopiesThatHardlyCount_ArePassedOver(double smoothing, bool arePredictive)
    {
        Assert.Equal(arePredictive, new RepeatedTexts(smoothing, [7], [1], [0], [2]).ArePredictive);
        Assert.False(new RepeatedTexts(smoothing, [], [], [], []).ArePredictive);
    }

    [Fact]
    public void AClassThatTheWordsExclude_StaysPossible_AndFinite()
    {
        // exp(-2000) is 0, whose logarithm would be infinite.
        var repeated = new RepeatedTexts(1, [7], [1], [0], [3]);
        double[] logits = repeated.Adjust([0.0, -1, -2000], 7);
        Assert.All(logits, logit => Assert.True(double.IsFinite(logit)));
        Assert.True(logits[0] > logits[1] && logits[1] > logits[2]);
        Assert.InRange(logits[2], -1000, -600);
    }

    /// <summary>Copies of one label decide, copies of two labels give their shares, and no text is kept if copies are not predictive.</summary>
    [Fact]
    public void RepeatedTexts_HaveTheShareOfTheirCopies()
    {
        double[] prior = [0.5, 0.5];
        ulong[] contents = [.. Enumerable.Range(0, 60).Select(i => (ulong)(i / 20))];
        int[] labels = [.. Enumerable.Range(0, 60).Select(i => i < 20 ? 0 : i < 40 ? 1 : i % 4 == 0 ? 1 : 0)];
        var repeated = RepeatedTexts.Fit(contents, labels, null, prior);
        double First(ulong content) => 1 / (1 + Math.Exp(repeated.Adjust([0.0, 5.0], content) is var z ? z[1] - z[0] : 0));
        Assert.InRange(First(0), 0.9, 1);
        Assert.InRange(First(1), 0, 0.1);
        Assert.InRange(First(2), 0.65, 0.85);
        Assert.Equal(1 / (1 + Math.Exp(5)), First(99), 1e-9);
        // A document that is excluded does not count as a copy of itself.
        Assert.True(repeated.Adjust([0.0, 0.0], 2, (1, 1))[0] > repeated.Adjust([0.0, 0.0], 2)[0]);

        var random = new Random(1);
        var noise = RepeatedTexts.Fit([.. Enumerable.Range(0, 400).Select(i => (ulong)(i / 4))],
            [.. Enumerable.Range(0, 400).Select(_ => random.Next(2))], null, prior);
        Assert.False(noise.ArePredictive);
    }
}
