using Maha.Layers.Data;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

public class TrainingOptionsTests
{
    public static TheoryData<string, TrainingOptions> Invalid => new()
    {
        { "NumberOfEpochs must lie in [1, 2147483647], but is 0.", new TrainingOptions { NumberOfEpochs = 0 } },
        { "LearningRate must be above 0 and finite, but is 0.", new TrainingOptions { LearningRate = 0 } },
        { "LearningRate must be above 0 and finite, but is NaN.", new TrainingOptions { LearningRate = double.NaN } },
        { "WarmupFraction must lie in [0, 1], but is 1.5.", new TrainingOptions { WarmupFraction = 1.5 } },
        { "MinLearningRateFraction must lie in [0, 1], but is -1.", new TrainingOptions { MinLearningRateFraction = -1 } },
        { "WeightDecay must be at least 0 and finite, but is -1.", new TrainingOptions { WeightDecay = -1 } },
        { "MaxGradientNorm must be above 0, but is 0.", new TrainingOptions { MaxGradientNorm = 0 } },
        { "MaxGradientNorm must be above 0, but is NaN.", new TrainingOptions { MaxGradientNorm = double.NaN } },
        { "TokensPerBatch must lie in [1, 1073741824], but is 0.", new TrainingOptions { TokensPerBatch = 0 } },
        { "GradientAccumulation must lie in [1, 1048576], but is 0.", new TrainingOptions { GradientAccumulation = 0 } },
        { "MinDocumentsPerStep must lie in [1, 1048576], but is 0.", new TrainingOptions { MinDocumentsPerStep = 0 } },
        { "MaxRestarts must lie in [0, 10], but is -1.", new TrainingOptions { MaxRestarts = -1 } },
        { "ValidationFraction must lie in [0, 1), but is 1.", new TrainingOptions { ValidationFraction = 1 } },
        { "EarlyStoppingPatience must lie in [1, 2147483647], but is 0.", new TrainingOptions { EarlyStoppingPatience = 0 } },
        { "LabelSmoothing must lie in [0, 1), but is 1.", new TrainingOptions { LabelSmoothing = 1 } },
        { "EarlyStoppingMetric must be one of Loss, Accuracy, MacroF1, but is 7.", new TrainingOptions { EarlyStoppingMetric = (ValidationMetric)7 } },
        { "ClassWeighting must be one of None, Balanced, but is 7.", new TrainingOptions { ClassWeighting = (ClassWeighting)7 } },
        { "CancellationBehavior must be one of Throw, KeepBest, but is 7.", new TrainingOptions { CancellationBehavior = (CancellationBehavior)7 } },
        { "ComputeType must be null, Float32 or BFloat16, but is Float16.", new TrainingOptions { ComputeType = ScalarType.Float16 } },
        { "ComputeType must be null, Float32 or BFloat16, but is Float64.", new TrainingOptions { ComputeType = ScalarType.Float64 } },
        { "LearningRateDecay must be one of Cosine, Linear, but is 7.", new TrainingOptions { LearningRateDecay = (LearningRateDecay)7 } },
    };

    [Theory]
    [MemberData(nameof(Invalid))]
    public void InvalidOptions_AreRefused_WithRuleAndValue(string message, TrainingOptions options)
    {
        var e = Assert.Throws<ArgumentOutOfRangeException>(() => new Trainer(options));
        Assert.StartsWith(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Defaults_AreValid() => new TrainingOptions().Validate();

    [Fact]
    public void OptionsThatSwitchPartsOff_AreValid() => new TrainingOptions
    {
        WarmupFraction = 0,
        MinLearningRateFraction = 1,
        WeightDecay = 0,
        MaxGradientNorm = double.PositiveInfinity,
        ValidationFraction = 0,
        EarlyStoppingPatience = null,
    }.Validate();
}
