using Maha.MLNet.Explanation;
using Maha.MLNet.Tests.TextEncoding;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.Explanation;

/// <summary>The laws of an explanation, for networks from random and from pretrained weights, with and without n-grams.</summary>
public sealed class ExplanationTests(ExplainedModels models) : IClassFixture<ExplainedModels>
{
    private const double Tolerance = 1e-4;

    private static readonly string[] s_texts =
    [
        "the hammer of some wrench and the saw near a cat",
        "rain, and snow.\r\n\r\nWind\tof the storm; a hammer.",
        string.Join(' ', Enumerable.Repeat("the dog and some other thing near the fog with a drill of rain.", 12)),
        "e\u0301a \ud83d\ude00\ud83d\ude00 cat\u0301 \ud83d hammer \ude00 \u4e2d\u6587 rain \0\u0007 snow",
        "hammer", " \t\r\n", "",
    ];

    public static TheoryData<string> Models => ["scratch", "scratch-ngrams", "pretrained", "pretrained-ngrams", "pretrained-blocks", "ngrams"];

    [Theory]
    [MemberData(nameof(Models))]
    public void Score_IsTheSumOfItsParts_AndTheProbabilityIsThePredicted(string name)
    {
        var model = models[name];
        foreach (string text in s_texts)
        {
            float[] scores = models.Scores(model, text);
            for (int label = 0; label < scores.Length; label++)
            {
                var explanation = model.Explain(text, model.Labels[label]);
                Assert.Equal(model.Labels[label], explanation.Label);
                Assert.Equal(scores[label], explanation.Probability, 1e-5);
                double words = explanation.NGramSpans.Sum(span => span.Contribution);
                double sum = explanation.NGramBias + words + explanation.NetworkScore + explanation.RepeatedTextScore;
                Assert.InRange(explanation.Score - sum, -1e-5 * Math.Max(1, Math.Abs(sum)), 1e-5 * Math.Max(1, Math.Abs(sum)));
                Assert.Equal(
                    explanation.NGramSpans.Sum(span => span.Contribution) + explanation.NetworkSpans.Sum(span => span.Contribution),
                    explanation.Spans.Sum(span => span.Contribution), 1e-6);
            }
            Assert.Equal(scores.Max(), model.Explain(text).Probability, 1e-5);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Score_IsTheLogOddsOfTheCalibratedProbability(int numLabels)
    {
        // Words that predict the class only in part, so that the temperature is not 1.
        var documents = Toys.Documents(120).Where((_, i) => i % 3 < numLabels).ToList();
        for (int i = 0; i < documents.Count; i += 4)
            documents[i].Label = Toys.Labels[i / 4 % numLabels];
        var data = Toys.Keyed(models.MLContext, documents);
        using var model = Toys.Trainer(models.MLContext, options => options.ValidationFraction = 0.3, epochs: 6).Fit(data);
        Assert.InRange(Math.Abs(Math.Log(model.Temperature)), 0.05, 5);
        foreach (string text in s_texts)
        {
            float[] scores = models.Scores(model, text);
            for (int label = 0; label < numLabels; label++)
            {
                // The logit of the label less the mean of the others', each in proportion to its probability.
                double others = scores.Where((_, c) => c != label).Sum(p => p * Math.Log(p)) / scores.Where((_, c) => c != label).Sum();
                Assert.Equal(Math.Log(scores[label]) - others, model.Explain(text, model.Labels[label]).Score, 1e-3);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Spans_CoverWhatTheySay(string name)
    {
        var model = models[name];
        foreach (string text in s_texts)
        {
            var explanation = model.Explain(text);
            foreach (var spans in new[] { explanation.Spans, explanation.NGramSpans, explanation.NetworkSpans })
            {
                int end = 0;
                foreach (var span in spans)
                {
                    Assert.True(span.Start >= end && span.Length > 0 && span.End <= text.Length, $"{span} after {end} in {text.Length}");
                    Assert.True(span.Start == 0 || !char.IsSurrogatePair(text[span.Start - 1], text[span.Start]));
                    Assert.True(span.End == text.Length || !char.IsSurrogatePair(text[span.End - 1], text[span.End]));
                    end = span.End;
                }
            }
            Assert.All(explanation.NGramSpans, span => Assert.False(string.IsNullOrWhiteSpace(text.Substring(span.Start, span.Length))));
            if (!name.Contains("ngrams", StringComparison.Ordinal))
                Assert.Empty(explanation.NGramSpans);
            else if (text.Length > 0 && !string.IsNullOrWhiteSpace(text))
                Assert.NotEmpty(explanation.NGramSpans);
            // A network without a weight is not asked.
            if (explanation.NetworkScore == 0)
                Assert.Empty(explanation.NetworkSpans);
            else if (!string.IsNullOrWhiteSpace(text))
                Assert.NotEmpty(explanation.NetworkSpans);
        }
    }

    [Theory]
    [InlineData("scratch")]
    [InlineData("scratch-ngrams")]
    [InlineData("pretrained")]
    [InlineData("pretrained-ngrams")]
    [InlineData("pretrained-blocks")]
    public void LeavingOutAWindow_ChangesTheNetworkByWhatTheSpanSays(string name)
    {
        var model = models.Binary(name);
        // A text of one window of the encoder, so that what is left is read in one window too.
        string text = "the hammer of some dog and a wrench near the cat with a saw";
        var options = new ExplanationOptions { MinTokensPerWindow = 3 };
        var explanation = model.Explain(text, label: true, options);
        Assert.InRange(explanation.NetworkSpans.Count, 3, 8);
        Assert.Equal(text, string.Concat(explanation.NetworkSpans.Select(span => text.Substring(span.Start, span.Length))));
        foreach (var span in explanation.NetworkSpans)
        {
            var without = model.Explain(text.Remove(span.Start, span.Length), label: true);
            Assert.Equal(explanation.NetworkScore - without.NetworkScore, span.Contribution, Tolerance);
        }
        Assert.Contains(explanation.NetworkSpans, span => Math.Abs(span.Contribution) > 100 * Tolerance);
        // The other label has the opposite contributions.
        var other = model.Explain(text, label: false, options);
        Assert.All(explanation.NetworkSpans.Zip(other.NetworkSpans), pair => Assert.Equal(pair.First.Contribution, -pair.Second.Contribution, Tolerance));
    }

    [Theory]
    [InlineData("pretrained")]
    [InlineData("pretrained-ngrams")]
    [InlineData("pretrained-blocks")]
    public void LeavingOutAWholeWindowOfTheEncoder_LeavesTheOthersAsTheyAre(string name)
    {
        var model = models.Binary(name);
        string text = string.Join(' ', Enumerable.Range(0, 60).Select(i => i % 7 == 0 ? "hammer" : i % 5 == 0 ? "dog" : "the"));
        var explanation = model.Explain(text, label: true, new ExplanationOptions { MinTokensPerWindow = SmallBert.WindowLength });
        Assert.Equal(4, explanation.NetworkSpans.Count);
        foreach (var span in explanation.NetworkSpans)
        {
            var without = model.Explain(text.Remove(span.Start, span.Length), label: true);
            Assert.Equal(explanation.NetworkScore - without.NetworkScore, span.Contribution, Tolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Explanation_IsDeterministic_AndTheSameInViews_AndFromAZip(string name)
    {
        var model = models[name];
        string[] texts = [.. s_texts, s_texts[0]];
        using var loaded = models.Reload(model);
        var data = models.MLContext.Data.LoadFromEnumerable(texts.Select(text => new Document { Text = text }));
        foreach (var transformer in new[] { model, loaded })
        {
            var rows = models.MLContext.Data.CreateEnumerable<ExplainedRow>(transformer.Transform(data), reuseRowObject: false).ToList();
            for (int i = 0; i < texts.Length; i++)
            {
                var spans = model.Explain(texts[i]).Spans;
                Assert.Equal(spans, model.Explain(texts[i]).Spans);
                Assert.Equal(spans.Select(span => span.Start), rows[i].Starts ?? []);
                Assert.Equal(spans.Select(span => span.Length), rows[i].Lengths ?? []);
                Assert.Equal(spans.Select(span => (float)span.Contribution), rows[i].Contributions ?? []);
            }
        }
    }

    [Fact]
    public void WordsOfTheClass_SpeakForIt_AndThoseOfAnotherAgainst()
    {
        foreach (string name in new[] { "ngrams", "scratch-ngrams", "pretrained-ngrams" })
        {
            const string text = "the hammer and some rain of the thing";
            var explanation = models[name].Explain(text, "tools");
            double At(string word) => explanation.NGramSpans.Single(span => text.Substring(span.Start, span.Length) == word).Contribution;
            Assert.True(At("hammer") > 0 && At("rain") < 0, name);
            Assert.True(At("hammer") > At("some") && At("rain") < At("of"), name);
        }
    }

    [Fact]
    public void KeptStartAndEnd_HaveTheirPlacesInTheWholeText()
    {
        foreach (string name in new[] { "ends", "pretrained-ends" })
        {
            var model = models[name];
            string middle = string.Join(' ', Enumerable.Repeat("fog", 4000));
            string text = "otter hammer and the " + middle + " of the thing chisel storm";
            var explanation = model.Explain(text, "tools");
            string[] words = [.. explanation.NGramSpans.Select(span => text.Substring(span.Start, span.Length))];
            Assert.Equal("otter", words[0]);
            Assert.Equal("storm", words[^1]);
            var chisel = Assert.Single(explanation.NGramSpans, span => text.Substring(span.Start, span.Length) == "chisel");
            Assert.True(chisel.Contribution > 0 && chisel.Start == text.Length - "chisel storm".Length);
            // No window spans what is not read.
            Assert.All(explanation.NetworkSpans, span => Assert.InRange(span.Length, 1, 200));
            Assert.Equal(text.Length, explanation.NetworkSpans[^1].End);
            Assert.Equal(0, explanation.NetworkSpans[0].Start);
        }
    }

    [Theory]
    [InlineData("scratch-ngrams")]
    [InlineData("pretrained-ngrams")]
    public void AMillionCharacters_AreExplained(string name)
    {
        string text = string.Join(' ', Enumerable.Repeat("the hammer of the thing and some \ud83d\ude00 rain,", 25_000));
        Assert.InRange(text.Length, 1_000_000, 2_000_000);
        var options = new ExplanationOptions { MaxWindows = 5 };
        var explanation = models[name].Explain(text, "tools", options);
        Assert.InRange(explanation.NetworkSpans.Count, 1, 5);
        var hammers = explanation.NGramSpans.Where(span => text.AsSpan(span.Start, span.Length).SequenceEqual("hammer"));
        Assert.NotEmpty(hammers);
        Assert.All(hammers, span => Assert.True(span.Contribution > 0));
        Assert.Equal(explanation.Spans, models[name].Explain(text, "tools", options).Spans);
    }

    [Fact]
    public void RepeatedTexts_AreToldApart()
    {
        var explanation = models.Twins.Explain("This message was deleted.", label: true);
        Assert.NotEqual(0, explanation.RepeatedTextScore);
        Assert.Equal(Math.Log(explanation.Probability / (1 - explanation.Probability)), explanation.Score, 1e-4);
        Assert.Equal(0, models.Twins.Explain("This message was not deleted.", label: true).RepeatedTextScore);
    }

    [Fact]
    public void BinaryScore_IsTheLogOdds_AndThePredictedLabelObeysTheThreshold()
    {
        var model = models.Binary("scratch-ngrams");
        foreach (string text in s_texts)
        {
            var explanation = model.Explain(text, label: true);
            Assert.Equal(Math.Log(explanation.Probability / (1 - explanation.Probability)), explanation.Score, 1e-3);
            Assert.Equal(explanation.Probability > 0.5 ? "True" : "False", model.Explain(text).Label);
        }
    }

    [Fact]
    public void BadArguments_AreRefused()
    {
        var model = models["scratch"];
        Assert.Throws<ArgumentNullException>(() => model.Explain(null!));
        var error = Assert.Throws<ArgumentException>(() => model.Explain("a", "Tools"));
        Assert.StartsWith("The label must be one of animals, tools, weather, but is 'Tools'.", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Explain("a", options: new ExplanationOptions { MaxWindows = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => model.Explain("a", options: new ExplanationOptions { MinTokensPerWindow = 0 }));
        Assert.Throws<OperationCanceledException>(() => model.Explain("a hammer", cancellationToken: new CancellationToken(true)));
        Assert.Empty(model.Explain("a hammer", options: new ExplanationOptions { MaxWindows = 0 }).Spans);
        var gone = models.Reload(model);
        gone.Dispose();
        Assert.Throws<ObjectDisposedException>(() => gone.Explain("a"));
    }

    [Fact]
    public void Cancellation_EndsALongExplanation()
    {
        using var source = new CancellationTokenSource();
        string text = string.Join(' ', Enumerable.Repeat("the hammer of a thing", 4000));
        var options = new ExplanationOptions { MaxWindows = 60_000, MinTokensPerWindow = 1 };
        source.CancelAfter(TimeSpan.FromMilliseconds(300));
        Assert.ThrowsAny<OperationCanceledException>(() => models["pretrained"].Explain(text, "tools", options, source.Token));
    }

    private sealed class ExplainedRow
    {
        [ColumnName("Explanation.Start")]
        public int[]? Starts { get; set; }

        [ColumnName("Explanation.Length")]
        public int[]? Lengths { get; set; }

        [ColumnName("Explanation.Contribution")]
        public float[]? Contributions { get; set; }
    }
}
