using Maha.Layers.Data;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

// These tests depend on the random state of the process, so no test may run in parallel.
[Collection(AloneCollection.Name)]
public class TrainerTests
{
    private static readonly TrainingOptions s_options = new() { NumberOfEpochs = 3, TokensPerBatch = 100, LearningRate = 0.02, Seed = 3 };

    [Fact]
    public void AnyNumberOfEpochs_StartsWithoutDelay()
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(40);
        using var source = new CancellationTokenSource();
        long totalSteps = 0;
        var options = new TrainingOptions { NumberOfEpochs = int.MaxValue, CancellationBehavior = CancellationBehavior.KeepBest, ValidationFraction = 0 };
        new Trainer(options).Train(new ScriptedTask(model, _ => new TaskLoss(model.Weight.sum(), 1)), documents, progress: new AtOnce(now =>
        {
            totalSteps = now.TotalSteps;
            source.Cancel();
        }), cancellationToken: source.Token);
        Assert.Equal(int.MaxValue, totalSteps);
    }

    [Fact]
    public void SameSeed_GivesTheSameWeights_BitForBit()
    {
        using var documents = Toys.Documents(120);
        double[] first = TrainedWeights(documents, s_options);
        // Random numbers that the process draws in between change nothing.
        using (rand(1000))
            Assert.Equal(first, TrainedWeights(documents, s_options));
        Assert.NotEqual(first, TrainedWeights(documents, s_options with { Seed = 4 }));
    }

    [Fact]
    public void Training_LeavesTheRandomStateOfTheProcess()
    {
        using var documents = Toys.Documents(60);
        using var before = random.get_rng_state();
        TrainedWeights(documents, s_options);
        using var after = random.get_rng_state();
        Assert.Equal(before.data<byte>().ToArray(), after.data<byte>().ToArray());
    }

    [Fact]
    public void Accumulation_IsOneLargeBatch()
    {
        // Each epoch is one step: of one batch, or of several small ones with different weights.
        using var documents = Toys.Documents(60);
        var large = s_options with { TokensPerBatch = 1 << 20, ClassWeighting = ClassWeighting.Balanced, ValidationFraction = 0 };
        var small = large with { TokensPerBatch = 40, GradientAccumulation = 1 << 20 };
        double[] expected = TrainedWeights(documents, large, dropout: 0, ScalarType.Float64);
        double[] actual = TrainedWeights(documents, small, dropout: 0, ScalarType.Float64);
        Assert.InRange(TestTensors.Difference(expected, actual), 0, 1e-10);
        Assert.NotEqual(expected, TrainedWeights(documents, small with { GradientAccumulation = 2 }, dropout: 0, ScalarType.Float64));
    }

    [Theory]
    [InlineData(ClassWeighting.None)]
    [InlineData(ClassWeighting.Balanced)]
    public void StepOfBatchesOfAnySize_HasTheGradientOfOneLargeBatch(ClassWeighting weighting)
    {
        // AdamW divides by |g| + 1e-8. So the update of a gradient that is far below is the gradient times a constant.
        using var documents = Toys.Documents(60);
        var large = new TrainingOptions
        {
            NumberOfEpochs = 1,
            TokensPerBatch = 1 << 20,
            LearningRate = 1e6,
            WarmupFraction = 0,
            WeightDecay = 0,
            ClassWeighting = weighting,
            LabelSmoothing = 0.1,
            ValidationFraction = 0,
        };
        double[] Gradient(TrainingOptions options, long? steps)
        {
            using var classifier = Toys.Classifier(type: ScalarType.Float64);
            double[] before = Toys.WeightsOf(classifier);
            var result = new Trainer(options).Train(new TinyLoss(Toys.TaskOf(classifier)), documents);
            Assert.Equal(steps ?? result.Steps, result.Steps);
            return [.. Toys.WeightsOf(classifier).Zip(before, (after, first) => after - first)];
        }
        double[] expected = Gradient(large, 1);
        Assert.InRange(expected.Max(Math.Abs), 0.01, 100);
        foreach (int tokens in new[] { 16, 40, 100 })
            Assert.InRange(TestTensors.Difference(expected, Gradient(large with { TokensPerBatch = tokens, MinDocumentsPerStep = 60 }, 1)), 0, 1e-12 * expected.Max(Math.Abs) * 10);
        Assert.NotEqual(expected, Gradient(large with { TokensPerBatch = 40, MinDocumentsPerStep = 15 }, null));
    }

    [Fact]
    public void StepsOfEnoughDocuments_AreCountedInScheduleAndReports()
    {
        using var documents = Toys.Documents(100);
        using var classifier = Toys.Classifier();
        var reports = new List<TrainingProgress>();
        var options = s_options with { TokensPerBatch = 40, MinDocumentsPerStep = 20, NumberOfEpochs = 3, ValidationFraction = 0 };
        var result = new Trainer(options).Train(Toys.TaskOf(classifier), documents, progress: new AtOnce(reports.Add));
        Assert.InRange(result.Steps, 3 * 3, 3 * 5);
        Assert.Equal(Enumerable.Range(1, (int)result.Steps).Select(step => (long)step), reports.Select(report => report.Step));
        Assert.All(reports, report => Assert.Equal(result.Steps, report.TotalSteps));
        Assert.Equal(options.LearningRate * options.MinLearningRateFraction, reports[^1].LearningRate, 1e-12);
    }

    [Fact]
    public void WithoutGradient_WeightsDecayByTheSchedule_AndBiasesStay()
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(30);
        var task = new ScriptedTask(model, batch => new TaskLoss((model.Weight.sum() + model.Bias.sum()) * 0.0, batch.Rows.Count));
        var rates = new List<double>();
        var options = s_options with { WeightDecay = 0.5, ValidationFraction = 0 };
        var result = new Trainer(options).Train(task, documents, progress: new AtOnce(report => rates.Add(report.LearningRate)));
        Assert.Equal(result.Steps, rates.Count);
        var schedule = new LearningRateSchedule(options.LearningRate, options.MinLearningRateFraction, options.WarmupFraction, result.Steps);
        Assert.Equal(Enumerable.Range(0, rates.Count).Select(step => schedule.RateAt(step)), rates);
        double expected = rates.Aggregate(1.0, (product, rate) => product * (1 - rate * 0.5));
        Assert.All(model.Values, value => Assert.Equal(expected, value, 1e-12));
        Assert.All(TestTensors.ToArray(model.Bias), value => Assert.Equal(1, value));
    }

    [Fact]
    public void Gradients_AreClipped()
    {
        // The first step of Adam is the sign of the gradient whatever its size, so that clipping shows from the second on:
        // without clipping, a gradient a thousand times larger would dominate the averages.
        Assert.Equal(Final(1, maxNorm: 1), Final(1000, maxNorm: 1), 1e-9);
        Assert.True(Math.Abs(Final(1, double.PositiveInfinity) - Final(1000, double.PositiveInfinity)) > 1e-3);

        static double Final(double firstScale, double maxNorm)
        {
            using var model = new TwoParameters();
            using var documents = Toys.Documents(30);
            int step = 0;
            var task = new ScriptedTask(model, _ => new TaskLoss(model.Weight.sum() * (step++ == 0 ? 1000 * firstScale : -1000), 1));
            new Trainer(s_options with { MaxGradientNorm = maxNorm, ValidationFraction = 0, WeightDecay = 0 }).Train(task, documents);
            return model.Values[0];
        }
    }

    [Fact]
    public void EachEpoch_SeesEachDocumentOnce()
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(50);
        var seen = new List<int>();
        var task = new ScriptedTask(model, batch =>
        {
            seen.AddRange(batch.Rows);
            return new TaskLoss(model.Weight.sum(), batch.Rows.Count);
        });
        new Trainer(s_options with { ValidationFraction = 0 }).Train(task, documents);
        Assert.Equal(150, seen.Count);
        foreach (int[] epoch in seen.Chunk(50))
            Assert.Equal(Enumerable.Range(0, 50), epoch.Order());
    }

    [Fact]
    public void BatchesWithoutTargets_AreSkipped()
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(30);
        double[] before = model.Values;
        var losses = new List<double>();
        var task = new ScriptedTask(model, _ => new TaskLoss(model.Weight.sum() / 0, 0));
        var result = new Trainer(s_options with { ValidationFraction = 0 }).Train(task, documents, progress: new AtOnce(report => losses.Add(report.Loss)));
        Assert.Equal(before, model.Values);
        Assert.All(losses, loss => Assert.True(double.IsNaN(loss)));
        Assert.True(double.IsNaN(result.Epochs[0].TrainingLoss));
    }

    [Fact]
    public void Seeds_DifferByBatchAndEpoch_InTraining_AndRepeatInValidation()
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(80);
        var training = new List<long>();
        var validation = new List<long>();
        var task = new ScriptedTask(model, batch =>
        {
            training.Add(batch.Seed);
            return new TaskLoss(model.Weight.sum(), 1);
        }, onValidationBatch: batch => validation.Add(batch.Seed));
        new Trainer(s_options with { ValidationFraction = 0.5 }).Train(task, documents);
        Assert.Equal(training.Count, training.Distinct().Count());
        Assert.True(validation.Count > 3);
        Assert.Equal(validation.Count / 3, validation.Distinct().Count());
        Assert.Empty(training.Intersect(validation));
    }

    [Fact]
    public void LogitsOfTheBestEpochAlone_AreKept()
    {
        using var documents = Toys.Documents(60);
        using var classifier = Toys.Classifier();
        var reports = new List<TrainingProgress>();
        var options = s_options with { ValidationFraction = 0.5 };
        var result = new Trainer(options).Train(Toys.TaskOf(classifier), documents, progress: new AtOnce(reports.Add));
        Assert.Equal(result.NumValidationDocuments, result.BestValidation!.Logits!.Count);
        Assert.All(result.Epochs, epoch => Assert.Null(epoch.Validation!.Logits));
        Assert.All(reports.Where(report => report.Validation is not null), report => Assert.Null(report.Validation!.Logits));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    public void DocumentsThatAreSetApart_FollowTheSeed(int seed)
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(60);
        var validating = new List<int>();
        var task = new ScriptedTask(
            model, _ => new TaskLoss(model.Weight.sum(), 1),
            onValidationBatch: batch => validating.AddRange(batch.Rows.Select(row => ((DocumentSubset)batch.Documents).Rows[row])));
        new Trainer(s_options with { NumberOfEpochs = 1, ValidationFraction = 0.3, Seed = seed }).Train(task, documents);
        Assert.Equal(DocumentSubset.Split(documents, 0.3, seed).Validation!.Rows, validating.Order());
    }

    [Fact]
    public void Batches_KnowWhichPartOfTheStepsIsDone()
    {
        using var model = new TwoParameters();
        using var documents = Toys.Documents(60);
        var steps = new List<TrainingProgress>();
        var progress = new List<(int Step, double Progress)>();
        var validating = new List<double>();
        var task = new ScriptedTask(model, batch =>
        {
            progress.Add((steps.Count, batch.Progress));
            return new TaskLoss(model.Weight.sum(), 1);
        }, onValidationBatch: batch => validating.Add(batch.Progress));
        new Trainer(s_options with { GradientAccumulation = 2, ValidationFraction = 0.3 }).Train(task, documents, progress: new AtOnce(report =>
        {
            if (report.Validation is null)
                steps.Add(report);
        }));
        Assert.True(progress.Count > steps.Count);
        Assert.All(progress, one => Assert.Equal(one.Step / (double)steps[^1].TotalSteps, one.Progress, 1e-12));
        Assert.All(validating, one => Assert.Equal(1, one));
    }

    [Fact]
    public void Progress_CountsUp_AndEndsAtTheEnd()
    {
        using var documents = Toys.Documents(120);
        using var classifier = Toys.Classifier();
        var reports = new List<TrainingProgress>();
        var result = new Trainer(s_options with { EarlyStoppingPatience = null }).Train(Toys.TaskOf(classifier), documents, progress: new AtOnce(reports.Add));
        var steps = reports.Where(report => report.Validation is null).ToList();
        Assert.Equal(Enumerable.Range(1, steps.Count).Select(step => (long)step), steps.Select(report => report.Step));
        Assert.All(reports, report => Assert.Equal(steps.Count, report.TotalSteps));
        Assert.Equal(3, reports.Count(report => report.Validation is not null));
        Assert.Equal(steps.Count, result.Steps);
        Assert.Equal(TimeSpan.Zero, reports[^1].TimeLeft);
        Assert.All(reports, report => Assert.True(report.TokensPerSecond > 0 && report.GradientNorm > 0 && double.IsFinite(report.Loss)));
        Assert.Equal(result.Epochs.Select(epoch => epoch.Validation),
            reports.Where(report => report.Validation is not null).Select(report => report.Validation));
        Assert.Equal((108, 12), (result.NumTrainingDocuments, result.NumValidationDocuments));
    }

    [Fact]
    public void LiveTensors_StayFlat()
    {
        using var documents = Toys.Documents(120);
        using var classifier = Toys.Classifier(dropout: 0.1);
        long before = TestTensors.CountLive();
        var counts = new List<long>();
        var task = Toys.TaskOf(classifier);
        new Trainer(s_options with { NumberOfEpochs = 5, EarlyStoppingPatience = null, MinLearningRateFraction = 1 }).Train(task, documents,
            progress: new AtOnce(report =>
        {
            if (report.Validation is null && report.Epoch > 1)
                counts.Add(Tensor.TotalCount);
        }));
        Assert.True(counts.Count > 10);
        Assert.All(counts, count => Assert.InRange(count, 0, counts[0]));
        TestTensors.AssertLiveAtMost(before);
    }

    [Fact]
    public void Mode_IsRestored_AndGradientsAreFreed()
    {
        using var documents = Toys.Documents(40);
        using var classifier = Toys.Classifier();
        classifier.eval();
        var task = new SequenceClassificationTask(classifier, (ids, mask) =>
        {
            // Gradients are off in validation, and so is dropout.
            Assert.Equal(is_grad_enabled(), classifier.training);
            return (classifier.call(ids, mask), null);
        }, Toys.NumClasses);
        new Trainer(s_options).Train(task, documents);
        Assert.False(classifier.training);
        Assert.All(classifier.parameters(), parameter => Assert.Null(parameter.grad));
        classifier.train();
        new Trainer(s_options).Evaluate(Toys.TaskOf(classifier), documents);
        Assert.True(classifier.training);
    }

    [Theory]
    [InlineData(true, 0.3)]
    [InlineData(true, 0)]
    [InlineData(false, 0.3)]
    [InlineData(false, 0)]
    public void Mode_IsThatBeforeTheTraining_HoweverItEnds(bool isTraining, double validationFraction)
    {
        using var documents = Toys.Documents(40);
        using var classifier = Toys.Classifier();
        var options = s_options with { ValidationFraction = validationFraction };
        classifier.train(isTraining);
        new Trainer(options).Train(Toys.TaskOf(classifier), documents);
        Assert.Equal(isTraining, classifier.training);

        using var source = new CancellationTokenSource();
        var cancels = new AtOnce(_ => source.Cancel());
        Assert.Throws<OperationCanceledException>(
            () => new Trainer(options).Train(Toys.TaskOf(classifier), documents, progress: cancels, cancellationToken: source.Token));
        Assert.Equal(isTraining, classifier.training);
    }

    [Fact]
    public void UnsuitableTasks_AreRefused()
    {
        using var documents = Toys.Documents(40);
        using var model = new TwoParameters();
        var task = new ScriptedTask(model, _ => new TaskLoss(model.Weight.sum(), 1));
        Assert.Contains("does not report MacroF1", Assert.Throws<ArgumentException>(
            () => new Trainer(s_options with { EarlyStoppingMetric = ValidationMetric.MacroF1 }).Train(task, documents)).Message, StringComparison.Ordinal);
        model.Weight.requires_grad_(false);
        model.Bias.requires_grad_(false);
        Assert.Contains("must have parameters that require gradients", Assert.Throws<ArgumentException>(
            () => new Trainer(s_options).Train(task, documents)).Message, StringComparison.Ordinal);
    }

    private static double[] TrainedWeights(TokenizedDataset documents, TrainingOptions options, double dropout = 0.3, ScalarType type = ScalarType.Float32)
    {
        using var classifier = Toys.Classifier(dropout: dropout, type: type);
        new Trainer(options).Train(Toys.TaskOf(classifier), documents);
        return Toys.WeightsOf(classifier);
    }

    /// <summary>A task whose loss is scaled to a gradient of about 1e-14.</summary>
    private sealed class TinyLoss(ITrainingTask task) : ITrainingTask
    {
        public nn.Module Module => task.Module;

        public bool Reports(ValidationMetric metric) => task.Reports(metric);

        public void Begin(TrainingOptions options, ITokenizedDocuments trainingDocuments, ITokenizedDocuments? validationDocuments) =>
            task.Begin(options, trainingDocuments, validationDocuments);

        public TaskLoss Loss(TokenBatch batch) => task.Loss(batch) is var loss ? new TaskLoss(loss.Mean * 1e-14, loss.Count) : default;

        public IValidationPass BeginValidation() => task.BeginValidation();
    }
}
