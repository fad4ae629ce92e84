using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

/// <summary>Trainings that compute in bfloat16 with float32 weights: the weights at the end, however it comes.</summary>
[Collection(AloneCollection.Name)]
public class MasterWeightTests
{
    [Fact]
    public void BestWeights_AreTheMastersOfTheBestEpoch()
    {
        using var documents = Toys.Documents(60);
        double[] afterTwo = MixedPrecision.TrainedWeights(documents, Constant(2), validation: epoch => 10 - epoch);
        double[] bestOfFour = MixedPrecision.TrainedWeights(documents, Constant(4), validation: epoch => epoch <= 2 ? 10 - epoch : 20);
        Assert.Equal(afterTwo, bestOfFour);
        Assert.NotEqual(afterTwo, MixedPrecision.TrainedWeights(documents, Constant(4), validation: epoch => 10 - epoch));
        Assert.Contains(afterTwo, value => value != MixedPrecision.RoundToBFloat16(value));

        // A constant rate, so that the first epochs do not depend on the number of epochs.
        static TrainingOptions Constant(int epochs) => MixedPrecision.Options with
        {
            NumberOfEpochs = epochs,
            WarmupFraction = 0,
            MinLearningRateFraction = 1,
            EarlyStoppingPatience = null,
        };
    }

    [Fact]
    public void Cancellation_LeavesTheMastersOfTheLastStep()
    {
        using var documents = Toys.Documents(200);
        double[] kept = Canceled(CancellationBehavior.KeepBest), thrown = Canceled(CancellationBehavior.Throw);
        Assert.Equal(kept, thrown);
        Assert.Contains(kept, value => value != MixedPrecision.RoundToBFloat16(value));

        double[] Canceled(CancellationBehavior behavior)
        {
            using var classifier = Toys.Classifier();
            using var source = new CancellationTokenSource();
            long limit = MixedPrecision.LiveLimit();
            void Train() => new Trainer(MixedPrecision.Options with { CancellationBehavior = behavior }).Train(Toys.TaskOf(classifier), documents,
                progress: new AtOnce(report =>
                {
                    if (report.Step == 3)
                        source.Cancel();
                }), cancellationToken: source.Token);
            if (behavior == CancellationBehavior.Throw)
                Assert.ThrowsAny<OperationCanceledException>(Train);
            else
                Train();
            MixedPrecision.AssertFloat32(classifier);
            TestTensors.AssertLiveAtMost(limit);
            return Toys.WeightsOf(classifier);
        }
    }

    [Fact]
    public void CanceledKeepBest_RestoresTheBestSoFar()
    {
        using var documents = Toys.Documents(60);
        using var source = new CancellationTokenSource();
        var options = MixedPrecision.Options with { NumberOfEpochs = 4, CancellationBehavior = CancellationBehavior.KeepBest, EarlyStoppingPatience = null };
        double[] expected = MixedPrecision.TrainedWeights(documents, options, validation: epoch => epoch == 1 ? 1 : 2);
        double[] actual = MixedPrecision.TrainedWeights(documents, options, validation: epoch => epoch == 1 ? 1 : 2, progress: new AtOnce(report =>
        {
            if (report.Epoch == 3)
                source.Cancel();
        }), cancellationToken: source.Token);
        Assert.Equal(expected, actual);
    }

    [Theory]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void Divergence_LeavesTheMastersBeforeTheStep(double bad)
    {
        using var documents = Toys.Documents(100);
        using var classifier = Toys.Classifier();
        double[] before = Toys.WeightsOf(classifier);
        int batches = 0;
        var task = new SequenceClassificationTask(classifier, (ids, mask) =>
            (classifier.call(ids, mask), ++batches == 1 ? tensor(bad, dtype: ScalarType.BFloat16) : null), Toys.NumClasses);
        long limit = MixedPrecision.LiveLimit();
        Assert.Throws<TrainingDivergedException>(() => new Trainer(MixedPrecision.Options).Train(task, documents));
        MixedPrecision.AssertFloat32(classifier);
        Assert.Equal(before, Toys.WeightsOf(classifier));
        TestTensors.AssertLiveAtMost(limit);
    }

    [Fact]
    public void NonFiniteGradient_IsFound()
    {
        using var documents = Toys.Documents(40);
        using var model = new Vector(10);
        var task = new ScriptedTask(model, _ => new TaskLoss((model.Weight * 0.0).sqrt().sum(), 1));
        var e = Assert.Throws<TrainingDivergedException>(() => new Trainer(MixedPrecision.Options).Train(task, documents));
        Assert.Contains("The gradient norm must be finite, but is NaN at step 1 of ", e.Message, StringComparison.Ordinal);
        Assert.All(TestTensors.ToArray(model.Weight), value => Assert.Equal(1, value));
    }

    [Fact]
    public void ExceptionOfATask_LeavesFloat32()
    {
        using var documents = Toys.Documents(40);
        using var classifier = Toys.Classifier();
        double[] before = Toys.WeightsOf(classifier);
        var task = new ScriptedTask(classifier, _ => throw new NotSupportedException());
        Assert.Throws<NotSupportedException>(() => new Trainer(MixedPrecision.Options).Train(task, documents));
        MixedPrecision.AssertFloat32(classifier);
        Assert.Equal(before, Toys.WeightsOf(classifier));
    }

    [Fact]
    public void FrozenParametersAndBuffers_ComputeInBFloat16_AndStay()
    {
        using var documents = Toys.Documents(60);
        using var model = new Vector(10, seed: 5);
        model.Second.requires_grad_(false);
        double[] frozen = TestTensors.ToArray(model.Second), constant = TestTensors.ToArray(model.Constant), weight = TestTensors.ToArray(model.Weight);
        Assert.NotEqual(frozen.Select(MixedPrecision.RoundToBFloat16), frozen);
        var types = new HashSet<ScalarType>();
        var task = new ScriptedTask(model, _ =>
        {
            types.UnionWith([model.Second.dtype, model.Constant.dtype]);
            return new TaskLoss((model.Weight * model.Second + model.Constant).sum(), 1);
        });
        new Trainer(MixedPrecision.Options).Train(task, documents);
        Assert.Equal([ScalarType.BFloat16], types);
        MixedPrecision.AssertFloat32(model);
        Assert.Equal(frozen, TestTensors.ToArray(model.Second));
        Assert.Equal(constant, TestTensors.ToArray(model.Constant));
        Assert.NotEqual(weight, TestTensors.ToArray(model.Weight));
        Assert.False(model.Second.requires_grad);
        Assert.Equal(7, model.Count.ToInt64());
    }

    [Fact]
    public void BuffersThatTheModuleChanges_KeepTheirNewNumbers()
    {
        using var documents = Toys.Documents(60);
        using var model = new Vector(10, seed: 5);
        var task = new ScriptedTask(model, _ =>
        {
            using (no_grad())
                model.Constant.fill_(3);
            return new TaskLoss(model.Weight.sum() + model.Second.sum(), 1);
        });
        new Trainer(MixedPrecision.Options).Train(task, documents);
        Assert.Equal(ScalarType.Float32, model.Constant.dtype);
        Assert.All(TestTensors.ToArray(model.Constant), value => Assert.Equal(3, value));
    }

    [Fact]
    public void LiveTensors_StayFlat()
    {
        using var documents = Toys.Documents(120);
        using var classifier = Toys.Classifier(dropout: 0.1);
        long limit = MixedPrecision.LiveLimit();
        var counts = new List<long>();
        new Trainer(MixedPrecision.Options with { NumberOfEpochs = 5, EarlyStoppingPatience = null, GradientAccumulation = 2 }).Train(
            Toys.TaskOf(classifier), documents, progress: new AtOnce(report =>
            {
                if (report.Validation is null && report.Epoch > 1)
                    counts.Add(Tensor.TotalCount);
            }));
        Assert.True(counts.Count > 10);
        Assert.All(counts, count => Assert.InRange(count, 0, counts[0]));
        TestTensors.AssertLiveAtMost(limit);
    }
}
