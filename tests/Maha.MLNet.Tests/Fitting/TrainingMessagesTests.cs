using System.Globalization;
using System.Text.RegularExpressions;
using Maha.Layers.Attention;
using Maha.Layers.Training;
using Maha.MLNet.Classification;
using Maha.MLNet.Fitting;
using Maha.MLNet.Tests.MultiLabel;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Fitting;

/// <summary>Messages are the same in every culture.</summary>
public sealed partial class TrainingMessagesTests : IDisposable
{
    private static readonly TrainingProgress s_progress = new()
    {
        Epoch = 1,
        NumberOfEpochs = 2,
        Step = 3,
        TotalSteps = 6,
        Loss = 0.75,
        LearningRate = 0.001,
        GradientNorm = 1,
        TokensPerSecond = 1234.25,
        Elapsed = TimeSpan.FromHours(25.5),
        TimeLeft = new TimeSpan(10, 0, 0, 7),
    };

    private readonly CultureInfo _culture = CultureInfo.CurrentCulture;
    private readonly List<string> _messages = [];
    private readonly MLContext _mlContext = new(1);

    public TrainingMessagesTests()
    {
        CultureInfo.CurrentCulture = CultureInfo.GetCultureInfo("de-DE");
        _mlContext.Log += (_, e) =>
        {
            if (e.Source.Contains("Training", StringComparison.Ordinal))
                _messages.Add(e.RawMessage);
        };
    }

    public void Dispose() => CultureInfo.CurrentCulture = _culture;

    [Fact]
    public void AnEpoch_IsStated_WithDaysWhereThereAreSome()
    {
        var metrics = new ValidationMetrics { Loss = 0.5, Count = 4, Accuracy = 0.875 };
        Assert.Equal(
            "Epoch 1 of 2: training loss 0.7500, validation loss 0.5000, accuracy 0.8750, 1234 tokens/s, 1.01:30:00 elapsed, 10.00:00:07 left.",
            TrainingMessages.Epoch(s_progress, metrics));
        Assert.Contains(
            "23:59:59 elapsed, 00:00:00 left.",
            TrainingMessages.Epoch(s_progress with { Elapsed = TimeSpan.FromDays(1) - TimeSpan.FromSeconds(1), TimeLeft = TimeSpan.Zero }, metrics));
    }

    [Fact]
    public void EveryOtherMessage_HasDecimalPoints()
    {
        var restart = new TrainingRestart { Epoch = 2, TrainingLoss = 2.5, ValidationLoss = 3.5, PriorLoss = 1.5, FromEpoch = 1, LearningRate = 0.25 };
        Assert.Equal(
            "The training has diverged: epoch 2 has the validation loss 3.5000, the shares of the classes have 1.5000. " +
            "It starts again from the weights of epoch 1, at the learning rate 0.25.", TrainingMessages.Restart(restart));
        Assert.Contains("training loss 2.5000", TrainingMessages.Restart(restart with { ValidationLoss = null }));
        Assert.Contains("has the validation loss 1.5000 where these have 0.5000", TrainingMessages.Useless(1.5, 0.5));
    }

    [Theory]
    [InlineData("multiclass")]
    [InlineData("binary")]
    [InlineData("multi-label")]
    public void TheLogOfATraining_HasDecimalPoints(string kind)
    {
        void Set(MahaSupervisedOptions o) => (o.NGrams, o.ValidationFraction, o.Attention) = (true, 0.3, AttentionKind.Maha);
        void SetClassifier(MahaClassifierOptions o)
        {
            Set(o);
            o.Abstention = Abstention.ForAccuracy(1);
        }
        var model = kind switch
        {
            "multi-label" => (IDisposable)LabelToys.Trainer(_mlContext, Set, epochs: 2).Fit(_mlContext.Data.LoadFromEnumerable(LabelToys.Rows(60))),
            "binary" => Toys.BinaryTrainer(_mlContext, SetClassifier, epochs: 2).Fit(_mlContext.Data.LoadFromEnumerable(Toys.Verdicts(60))),
            _ => Toys.Trainer(_mlContext, SetClassifier, epochs: 2).Fit(Toys.Keyed(_mlContext, Toys.Documents(60))),
        };
        model.Dispose();
        Assert.Contains(_messages, message => message.StartsWith("Layer 1: scale weights ", StringComparison.Ordinal));
        Assert.Contains(_messages, message => message.StartsWith("Fitted to ", StringComparison.Ordinal));
        Assert.DoesNotContain(_messages, message => DecimalComma().IsMatch(message));
    }

    [Fact]
    public void RefusedNumbers_AreShownWithDecimalPoints()
    {
        Assert.Contains("number 0 is 1.5.", Assert.Throws<ArgumentOutOfRangeException>(() => CoverageCurve.Create([1.5], [true])).Message);
        Assert.Contains("number 0 is -1.5.", Assert.Throws<ArgumentOutOfRangeException>(() => CoverageCurve.Create([0.5], [true], [-1.5f])).Message);
    }

    [GeneratedRegex(@"\d,\d")]
    private static partial Regex DecimalComma();
}
