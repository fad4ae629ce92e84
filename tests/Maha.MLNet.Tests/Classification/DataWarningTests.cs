using Maha.MLNet.Classification;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Classification;

/// <summary>Data that were loaded wrongly train a model, as long as there are labels: the log says what to look at.</summary>
public sealed class DataWarningTests
{
    private readonly MLContext _mlContext = new(1);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TextsWithoutTokens_AreWarnedOf(bool ngrams)
    {
        var warnings = Warnings.Of(_mlContext);
        var documents = Toys.Documents(30);
        foreach (var document in documents)
            document.Text = document.Text!.Length % 2 == 0 ? "" : null!;
        using var model = Toys.Trainer(_mlContext, o => o.NGrams = ngrams, epochs: 1).Fit(Toys.Keyed(_mlContext, documents));
        Assert.Contains(warnings, warning => warning.StartsWith(
            "None of the 30 training documents has a token, so that all texts are predicted alike. Look at column 'Text' and at the separator", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(40, true)]
    [InlineData(12, false)]
    public void ALabelPerDocument_IsWarnedOf(int count, bool isWarned)
    {
        var warnings = Warnings.Of(_mlContext);
        var documents = Toys.Documents(count);
        // As where a line has no tab: all of it is the label.
        for (int i = 0; i < count; i++)
            documents[i].Label = $"{i} {documents[i].Text}";
        using var model = Toys.Trainer(_mlContext, epochs: 1).Fit(Toys.Keyed(_mlContext, documents));
        Assert.Equal(isWarned, warnings.Exists(warning => warning.Contains($"{count} different labels", StringComparison.Ordinal)));
    }

    [Fact]
    public void UsualData_AreNotWarnedOf()
    {
        var warnings = Warnings.Of(_mlContext);
        using var model = Toys.Trainer(_mlContext, epochs: 1).Fit(Toys.Keyed(_mlContext, Toys.Documents(30)));
        Assert.DoesNotContain(warnings, warning => warning.Contains("separator", StringComparison.Ordinal));
    }

    [Fact]
    public void RowsThatCanBeReadOnce_AreNamed()
    {
        int passes = 0;
        IEnumerable<Verdict> Once() => passes++ == 0 ? Toys.Verdicts(20) : [];
        var data = _mlContext.Data.LoadFromEnumerable(Enumerable.Range(0, 1).SelectMany(_ => Once()));
        var e = Assert.Throws<InvalidOperationException>(() => Toys.BinaryTrainer(_mlContext).Fit(data));
        Assert.Contains("have no rows. Look at what was loaded", e.Message, StringComparison.Ordinal);
    }

    // What stands before the trainer in a pipeline does not map a ValidationSet: the advice is not to add what is there.
    [Fact]
    public void AValidationSetThatIsNotMapped_IsNamed_WithTheRemedyForIt()
    {
        var documents = _mlContext.Data.LoadFromEnumerable(Toys.Documents(30));
        var pipeline = _mlContext.Transforms.Conversion.MapValueToKey("Label").Append(Toys.Trainer(_mlContext, o => o.ValidationSet = documents));
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => pipeline.Fit(documents));
        Assert.Equal(nameof(MahaSupervisedOptions.ValidationSet), e.ParamName);
        Assert.Contains("fit MapValueToKey to the training data first, and map both by it", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Append Conversion.MapValueToKey", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ATrainingThatTheTimeEnds_SaysSo()
    {
        var lines = new List<string>();
        _mlContext.Log += (_, e) => lines.Add(e.RawMessage);
        using var model = Toys.Trainer(_mlContext, o => o.MaxTrainingTime = TimeSpan.FromTicks(1), epochs: 100_000).Fit(Toys.Keyed(_mlContext, Toys.Documents(30)));
        Assert.Contains(lines, line => line.StartsWith("Training ended: MaxTrainingTime was over after", StringComparison.Ordinal));
    }
}
