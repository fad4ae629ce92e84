using Maha.Layers.Generation;


namespace Maha.Layers.Tests.Generation;

public class TokenSamplerTests
{
    private static readonly float[] s_logits = [0.5f, 2, -1, 1, 3, 2.5f];

    private static readonly double[] s_probabilities = Softmax(s_logits.Select(logit => (double)logit));

    [Fact]
    public void Draws_FollowTheProbabilities() => AssertFrequencies(new GenerationOptions(), s_probabilities);

    [Fact]
    public void Temperature_DividesTheLogits() =>
        AssertFrequencies(new GenerationOptions { Temperature = 0.5 }, Softmax(s_logits.Select(logit => logit / 0.5)));

    [Fact]
    public void TopK_DrawsAmongTheLikeliest() => AssertFrequencies(new GenerationOptions { TopK = 3 }, Normalized(p => p >= s_probabilities[1] ? p : 0));

    [Fact]
    public void TopP_DrawsAmongTheFewestThatReachTheSum()
    {
        // 3, 2.5 and 2 have about 0.45, 0.27 and 0.17: the second reaches 0.7, the third 0.85.
        AssertFrequencies(new GenerationOptions { TopP = 0.7 }, Normalized(p => p >= s_probabilities[5] ? p : 0));
        AssertFrequencies(new GenerationOptions { TopP = 0.85 }, Normalized(p => p >= s_probabilities[1] ? p : 0));
        AssertFrequencies(new GenerationOptions { TopP = 1e-9 }, Normalized(p => p >= s_probabilities[4] ? p : 0));
    }

    [Fact]
    public void ZeroTemperature_TakesTheLikeliestToken_AndThePenaltyChangesTheChoice()
    {
        Assert.Equal(4, new TokenSampler(new GenerationOptions { Temperature = 0 }, _ => true).Next(s_logits));
        Assert.Equal(1, new TokenSampler(new GenerationOptions { Temperature = 0 }, token => token < 4).Next(s_logits));
        var penalized = new TokenSampler(new GenerationOptions { Temperature = 0, RepetitionPenalty = 2 }, _ => true);
        penalized.AddHistory([5]);
        Assert.Equal(4, penalized.Next(s_logits)); // 3 > 2.5 / 2
        Assert.Equal(1, penalized.Next(s_logits)); // 2 > 3 / 2
        Assert.Equal(0, new TokenSampler(new GenerationOptions { Temperature = 0, RepetitionPenalty = 0.5 }, token => token is 0 or 3).Next([1, 0, 0, 1]));
        var negative = new TokenSampler(new GenerationOptions { Temperature = 0, RepetitionPenalty = 3 }, _ => true);
        negative.AddHistory([0]);
        Assert.Equal(1, negative.Next([-1, -2])); // -1 * 3 < -2
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    public void OfEqualLogits_TheFirstAreDrawn(int topK)
    {
        float[] equal = [1, 0, 1, 1, 1, 0, 1];
        int[] first = [0, 2, 3, 4, 6];
        var sampler = new TokenSampler(new GenerationOptions { TopK = topK }, _ => true);
        Assert.Equal(first.Take(topK), Enumerable.Range(0, 300).Select(_ => sampler.Next(equal)).Distinct().Order());
        var likeliest = new TokenSampler(new GenerationOptions { TopP = 1e-9 }, _ => true);
        Assert.All(Enumerable.Range(0, 50), _ => Assert.Equal(0, likeliest.Next(equal)));
    }

    [Fact]
    public void SameSeed_DrawsTheSame_AnotherDrawsOthers()
    {
        Assert.Equal(Draws(new GenerationOptions { Seed = 5 }, 50), Draws(new GenerationOptions { Seed = 5 }, 50));
        Assert.NotEqual(Draws(new GenerationOptions { Seed = 5 }, 50), Draws(new GenerationOptions { Seed = 6 }, 50));
    }

    [Fact]
    public void ExtremeLogits_GiveATokenOrThrow()
    {
        var sampler = new TokenSampler(new GenerationOptions { TopP = 0.5, TopK = 2 }, _ => true);
        Assert.Equal(1, sampler.Next([0, float.PositiveInfinity, 1]));
        Assert.Equal(2, sampler.Next([float.NegativeInfinity, float.NegativeInfinity, -1e38f]));
        Assert.InRange(sampler.Next([float.NegativeInfinity, float.NegativeInfinity]), 0, 1);
        Assert.Contains("must be numbers", Assert.Throws<InvalidOperationException>(() => sampler.Next([0, float.NaN])).Message, StringComparison.Ordinal);
    }

    private static double[] Normalized(Func<double, double> kept)
    {
        double[] weights = [.. s_probabilities.Select(kept)];
        return [.. weights.Select(weight => weight / weights.Sum())];
    }

    private static double[] Softmax(IEnumerable<double> logits)
    {
        double[] weights = [.. logits.Select(Math.Exp)];
        return [.. weights.Select(weight => weight / weights.Sum())];
    }

    private static int[] Draws(GenerationOptions options, int count)
    {
        var sampler = new TokenSampler(options, _ => true);
        return [.. Enumerable.Range(0, count).Select(_ => sampler.Next(s_logits))];
    }

    // Five standard deviations; the seed is fixed, so that the result is always the same.
    private static void AssertFrequencies(GenerationOptions options, double[] expected)
    {
        const int count = 20_000;
        var counts = Draws(options, count).CountBy(token => token).ToDictionary();
        for (int token = 0; token < expected.Length; token++)
        {
            double frequency = counts.GetValueOrDefault(token) / (double)count;
            Assert.InRange(frequency - expected[token], -5 * Math.Sqrt(expected[token] / count), 5 * Math.Sqrt(expected[token] / count));
        }
    }
}
