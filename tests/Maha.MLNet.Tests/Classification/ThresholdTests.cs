using Maha.Layers.Training;
using Maha.MLNet.Classification;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Classification;

/// <summary>The thresholds of prediction and abstention where the network, the documents or both are missing that they are chosen by.</summary>
public sealed class ThresholdTests
{
    private readonly MLContext _mlContext = new(1);
    private readonly List<string> _warnings;

    public ThresholdTests() => _warnings = Warnings.Of(_mlContext);

    public static TheoryData<BinaryThreshold> Chosen => [BinaryThreshold.BestF1, BinaryThreshold.BestAccuracy];

    [Theory]
    [MemberData(nameof(Chosen))]
    public void WithoutAnEpoch_TheNGramsChooseTheThresholds(BinaryThreshold kind)
    {
        using var source = new CancellationTokenSource();
        using var model = Fit(Rows(400), o =>
        {
            (o.NGrams, o.ValidationFraction, o.CancellationToken, o.CancellationBehavior) = (true, 0.3, source.Token, CancellationBehavior.KeepBest);
            o.Progress = new AtOnce(_ => source.Cancel());
            (o.Threshold, o.Abstention) = (kind, Abstention.ForCoverage(0.5));
        });
        var fusion = model.Classifier.Manifest.NGrams!.Value;
        Assert.Equal(0, fusion.Deep);
        // Fitted, and not the prior.
        Assert.NotEqual(1, fusion.Wide);
        Assert.InRange(model.AbstentionThreshold!.Value, 0.5, 1);
        // Of the rows that have the words of the rare class fewer than half are of it.
        Assert.InRange(model.Threshold, 0.01, 0.49);
        Assert.DoesNotContain(_warnings, warning => warning.Contains("validation documents", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Chosen))]
    public void ASplitWithoutAValidationDocument_IsNamed(BinaryThreshold kind)
    {
        foreach (bool ngrams in new[] { false, true })
        {
            _warnings.Clear();
            using var model = Fit(Toys.Verdicts(4), o =>
            {
                (o.NGrams, o.ValidationFraction) = (ngrams, 0.1);
                (o.Threshold, o.Abstention) = (kind, Abstention.ForAccuracy(0.9));
            });
            Assert.Equal((0.5, 0), (model.Threshold, model.AbstentionThreshold));
            const string cause = "needs validation documents that the classifier has predicted, but the split left no validation document:";
            const string remedy = "Raise ValidationFraction, or give a ValidationSet.";
            Assert.Equal(
                [
                    $"Threshold {kind} {cause} the threshold is Half. {remedy}",
                    $"Abstention ForAccuracy(0.9) {cause} the classifier never abstains. {remedy} WithAbstentionThreshold returns a copy with a threshold.",
                ],
                _warnings.Where(warning => warning.Contains("needs validation documents", StringComparison.Ordinal)));
        }
    }

    [Theory]
    [MemberData(nameof(Chosen))]
    public void ATrainingThatEndsBeforeItsFirstValidation_IsNamed(BinaryThreshold kind)
    {
        using var source = new CancellationTokenSource();
        using var model = Fit(Toys.Verdicts(60), o =>
        {
            (o.ValidationFraction, o.CancellationToken, o.CancellationBehavior) = (0.3, source.Token, CancellationBehavior.KeepBest);
            o.Progress = new AtOnce(_ => source.Cancel());
            (o.Threshold, o.Abstention) = (kind, Abstention.ForCoverage(0.9));
        });
        Assert.Equal((0.5, 0), (model.Threshold, model.AbstentionThreshold));
        const string cause =
            "needs validation documents that the classifier has predicted, but the training was canceled before the network was validated once:";
        Assert.Equal(
            [
                $"Threshold {kind} {cause} the threshold is Half. Cancel it later.",
                $"Abstention ForCoverage(0.9) {cause} the classifier never abstains. Cancel it later. WithAbstentionThreshold returns a copy with a threshold.",
            ],
            _warnings.Where(warning => warning.Contains("needs validation documents", StringComparison.Ordinal)));
    }

    [Fact]
    public void NothingToChoose_GivesNoWarning()
    {
        using var model = Fit(Toys.Verdicts(4), o => (o.ValidationFraction, o.Abstention) = (0.1, Abstention.Below(0.7)));
        Assert.Equal((0.5, 0.7), (model.Threshold, model.AbstentionThreshold));
        Assert.Empty(_warnings);
    }

    // One of eight is true, and one of three others has the same words.
    private static List<Verdict> Rows(int count)
    {
        var random = new Random(3);
        return [.. Enumerable.Range(0, count).Select(i => new Verdict { Label = i % 8 == 0, Text = Toys.Text(random, i % 8 == 0 || i % 3 == 0 ? 1 : 0) })];
    }

    private MahaBinaryTextClassificationTransformer Fit(List<Verdict> rows, Action<MahaBinaryTextClassificationTrainer.Options> change) =>
        Toys.BinaryTrainer(_mlContext, change, epochs: 2).Fit(_mlContext.Data.LoadFromEnumerable(rows));
}
