using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using Maha.MLNet.Classification;
using Microsoft.ML;
using TorchSharp;
using static TorchSharp.torch;
using Options = Maha.MLNet.Classification.MahaTextClassificationTrainer.Options;

namespace Maha.MLNet.Tests.Classification;

public class TransformerScheduleTests
{
    [Theory]
    [InlineData(2000, 100)]
    [InlineData(340, 60)] // one batch has a third of them
    [InlineData(2000, 256)] // 32 documents in a batch
    [InlineData(4, 2000)] // all documents in a batch
    public void ShortDocuments_AreTrainedAsTheOptionsState(int count, int length)
    {
        Options[] all = [new(), new() { TokensPerBatch = 512 }, new() { TokensPerBatch = 1 << 20 }, new() { NumberOfEpochs = 20 }];
        foreach (var options in all)
        {
            var stated = ClassifierFitting.TrainingOptionsOf(options, 0, CPU);
            var schedule = Apply(options, count, length);
            Assert.Equal(stated with { MaxRestarts = schedule.MaxRestarts }, schedule);
            Assert.Equal((0.002, 1), (schedule.LearningRate, schedule.MinDocumentsPerStep));
        }
        Assert.Equal(0.002, Apply(new Options { MinDocumentsPerStep = 5 }, count, length).LearningRate);
    }

    [Fact]
    public void ManyShortDocuments_HaveFewerEpochs() => Assert.Equal((5, 0.002), Schedule(Apply(new Options(), count: 20_000, length: 100)));

    [Fact]
    public void DocumentsOfWhichABatchHoldsFewerThan32_HaveALowerRate()
    {
        Assert.InRange(Apply(new Options(), count: 2000, length: 500).LearningRate, 0.001, 0.0015);
        Assert.Equal(0.002, Apply(new Options { TokensPerBatch = 32 * 300 }, count: 2000, length: 300).LearningRate);
    }

    [Fact]
    public void RateFollowsTheDocumentsOfAStep_AndIsBoundedForLongDocuments()
    {
        Assert.Equal(0.002 * Math.Sqrt(32 / 64.0), Apply(new Options { MinDocumentsPerStep = 32 }, count: 640, length: 500).LearningRate, 1e-4);
        Assert.Equal(0.002 * Math.Sqrt(1 / 64.0), Apply(new Options { MinDocumentsPerStep = 1 }, count: 64, length: 8000).LearningRate, 1e-6);
        Assert.Equal(0.0005, Apply(new Options(), count: 320, length: 2000).LearningRate);
        Assert.Equal(0.0005, Apply(new Options { MinDocumentsPerStep = 32 }, count: 320, length: 2000).LearningRate);
    }

    [Fact]
    public void DocumentsOfAStep_LeaveEnoughSteps()
    {
        Assert.Equal(8, Apply(new Options(), count: 320, length: 2000).MinDocumentsPerStep);
        Assert.Equal(20, Apply(new Options(), count: 20_000, length: 1000).MinDocumentsPerStep);
        Assert.Equal(32, Apply(new Options(), count: 20_000, length: 1000, DeviceType.CUDA).MinDocumentsPerStep);
    }

    [Fact]
    public void BatchOnAGpu_HasTheDocumentsOfAStep_AsFarAsActivationsFit()
    {
        Assert.Equal(32 * 1000, Apply(new Options(), count: 20_000, length: 1000, DeviceType.CUDA).TokensPerBatch);
        Assert.Equal(65_536, Apply(new Options { MinDocumentsPerStep = 100 }, count: 20_000, length: 1000, DeviceType.CUDA).TokensPerBatch);
        Assert.Equal(16_384, Apply(new Options { DModel = 256, NumLayers = 4 }, count: 20_000, length: 1000, DeviceType.CUDA).TokensPerBatch);
        Assert.Equal(8192, Apply(new Options { DModel = 1024, NumLayers = 12 }, count: 20_000, length: 1000, DeviceType.CUDA).TokensPerBatch);
        Assert.Equal(4096, Apply(new Options { TokensPerBatch = 4096 }, count: 20_000, length: 1000, DeviceType.CUDA).TokensPerBatch);
        Assert.Equal(8192, Apply(new Options(), count: 20_000, length: 1000).TokensPerBatch);
        Assert.Equal(8192, Apply(new Options(), count: 20_000, length: 100, DeviceType.CUDA).TokensPerBatch);
    }

    [Fact]
    public void FewLongDocuments_HaveMoreEpochs_WithinTheTokensOfTheTime()
    {
        Assert.Equal(30, Apply(new Options(), count: 64, length: 2000).NumberOfEpochs);
        Assert.Equal(16, Apply(new Options(), count: 320, length: 2000).NumberOfEpochs);
        Assert.Equal(1, Apply(new Options(), count: 20_000, length: 1000).NumberOfEpochs);
        Assert.Equal(5, Apply(new Options(), count: 20_000, length: 1000, DeviceType.CUDA).NumberOfEpochs);
    }

    [Fact]
    public void WhatTheOptionsSet_Stays()
    {
        var schedule = Apply(new Options { LearningRate = 0.01, NumberOfEpochs = 2, MinDocumentsPerStep = 5 }, count: 320, length: 2000);
        Assert.Equal((0.01, 2, 5), (schedule.LearningRate, schedule.NumberOfEpochs, schedule.MinDocumentsPerStep));
    }

    [Fact]
    public void TrainingThatDiverges_StartsAgain_AndIsReported()
    {
        // The labels are random and the rate rises to one that is far too high: the training starts again twice, and the user is warned.
        var warnings = WarningsOfRandomLabels(learningRate: 300, epochs: 4);
        Assert.Equal(2, warnings.Count(warning => warning.Contains("It starts again from the first weights", StringComparison.Ordinal)));
        Assert.Contains(warnings, warning => warning.Contains("at the learning rate 75", StringComparison.Ordinal));
        Assert.Contains(warnings, warning => warning.StartsWith("The network must predict better than the shares of the classes", StringComparison.Ordinal));
    }

    [Fact]
    public void TrainingThatLearnsNothing_IsReported_AndDoesNotStartAgain()
    {
        var warnings = WarningsOfRandomLabels(learningRate: 1e-4, epochs: 2);
        Assert.DoesNotContain(warnings, warning => warning.Contains("starts again", StringComparison.Ordinal));
        Assert.Contains(warnings, warning => warning.StartsWith("The network must predict better than the shares of the classes", StringComparison.Ordinal));
    }

    [Fact]
    public void SegmentsThatShareTheirDocumentsClass_AreLearned()
    {
        // Documents of more than one segment; the loss differs from that without segments from the first step on.
        var mlContext = new MLContext(1);
        var documents = mlContext.Data.LoadFromEnumerable(Enumerable.Range(0, 24).Select(i => new Verdict
        {
            Text = string.Join(' ', Enumerable.Repeat(i % 2 == 0 ? "good fine" : "bad poor", 400)),
            Label = i % 2 == 0,
        }).ToList());
        double First(double weight)
        {
            var losses = new List<double>();
            using var model = Toys.BinaryTrainer(mlContext, options =>
            {
                (options.SegmentLossWeight, options.MaxSequenceLength, options.Dropout) = (weight, 1024, 0);
                options.Progress = new Losses(losses);
            }, epochs: 1).Fit(documents);
            return losses[0];
        }
        Assert.NotEqual(First(0), First(0.5));
    }

    private static (int NumberOfEpochs, double LearningRate) Schedule(TrainingOptions options) => (options.NumberOfEpochs, options.LearningRate);

    private static List<string> WarningsOfRandomLabels(double learningRate, int epochs)
    {
        var mlContext = new MLContext(1);
        var warnings = Warnings.Of(mlContext);
        var random = new Random(3);
        var documents = Enumerable.Range(0, 120)
            .Select(_ => new Verdict { Text = string.Join(' ', Enumerable.Range(0, 5).Select(_ => $"w{random.Next(9)}")), Label = random.Next(2) == 0 });
        using var model = Toys.BinaryTrainer(mlContext, options =>
        {
            (options.LearningRate, options.WarmupFraction, options.ValidationFraction) = (learningRate, 1, 0.3);
            options.EarlyStoppingPatience = null;
        }, epochs).Fit(mlContext.Data.LoadFromEnumerable(documents.ToList()));
        return [.. warnings];
    }

    private static TrainingOptions Apply(Options options, int count, int length, DeviceType device = DeviceType.CPU)
    {
        using var documents = TokenizedDataset.FromTokenIds(Enumerable.Range(0, count).Select(i => (Enumerable.Repeat(300, length).ToArray(), i % 2)));
        var model = new MahaTransformerOptions { VocabSize = 400, DModel = options.DModel, NumLayers = options.NumLayers };
        return TransformerSchedule.Apply(ClassifierFitting.TrainingOptionsOf(options, 0, CPU), options, documents, model, device);
    }

    private sealed class Losses(List<double> losses) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => losses.Add(value.Loss);
    }
}
