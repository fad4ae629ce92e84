using System.Globalization;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Classification;

public class RepeatabilityTests
{
    private static readonly List<Verdict> s_documents = Toys.Verdicts(24);

    [Fact]
    public void TheSameSeed_GivesTheSameScores() => Assert.Equal(Scores(new MLContext(1), seed: 3), Scores(new MLContext(2), seed: 3));

    [Fact]
    public void AnotherSeed_GivesOtherScores() => Assert.NotEqual(Scores(new MLContext(1), seed: 3), Scores(new MLContext(1), seed: 4));

    [Fact]
    public void TheFirstWeights_FollowTheSeed()
    {
        // With so small a rate the weights stay where they start, whatever the order of the documents is.
        float[] First(int seed)
        {
            var mlContext = new MLContext(1);
            var data = mlContext.Data.LoadFromEnumerable(s_documents);
            using var model = Toys.BinaryTrainer(mlContext, options => (options.Seed, options.LearningRate) = (seed, 1e-12)).Fit(data);
            return [.. mlContext.Data.CreateEnumerable<BinaryPrediction>(model.Transform(data), reuseRowObject: false).Select(row => row.Probability)];
        }
        float[] expected = First(3);
        Assert.All(expected.Zip(First(3)), pair => Assert.Equal(pair.First, pair.Second));
        Assert.Contains(expected.Zip(First(4)), pair => Math.Abs(pair.First - pair.Second) > 1e-3);
    }

    [Fact]
    public void OneTrainer_FitsTheSameTwice()
    {
        var mlContext = new MLContext();
        var data = mlContext.Data.LoadFromEnumerable(s_documents);
        var trainer = Toys.BinaryTrainer(mlContext, options => options.ValidationFraction = 0.2, epochs: 2);
        using var first = trainer.Fit(data);
        using var second = trainer.Fit(data);
        Assert.Equal(Rows.Of(first.Transform(data)), Rows.Of(second.Transform(data)));
    }

    [Fact]
    public void TheContextsSeed_IsUsed_WhereTheOptionsHaveNone()
    {
        var expected = Scores(new MLContext(), seed: 5);
        Assert.Equal(expected, Scores(new MLContext(5), seed: null));
        Assert.NotEqual(expected, Scores(new MLContext(6), seed: null));
        // Without a seed, the seed is 0.
        Assert.Equal(Scores(new MLContext(), seed: 0), Scores(new MLContext(), seed: null));
    }

    // Decimal commas, and letters whose case differs.
    [Theory]
    [InlineData("de-DE")]
    [InlineData("tr-TR")]
    [InlineData("ar-SA")]
    public void TheCulture_ChangesNothing(string culture)
    {
        var mlContext = new MLContext(1);
        var documents = Toys.Documents(30)
            .Select(document => new Document { Label = document.Label, Text = $"I\u0130i\u0131 {document.Text} 1.5 TITLE" }).ToList();
        byte[] Save()
        {
            var data = Toys.Keyed(mlContext, documents);
            using var model = Toys.Trainer(mlContext, options => (options.NGrams, options.ValidationFraction) = (true, 0.3)).Fit(data);
            return ModelZip.Content(ModelZip.Save(mlContext, model, data.Schema));
        }
        byte[] expected = Save();
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo(culture);
            Assert.Equal(expected, Save());
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    private static List<string> Scores(MLContext mlContext, int? seed)
    {
        var data = mlContext.Data.LoadFromEnumerable(s_documents);
        using var model = Toys.BinaryTrainer(mlContext, options => options.Seed = seed).Fit(data);
        return Rows.Of(model.Transform(data));
    }
}
