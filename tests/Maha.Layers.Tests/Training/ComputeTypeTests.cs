using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

/// <summary>Trainings that compute in bfloat16 with float32 weights: what they compute.</summary>
[Collection(AloneCollection.Name)]
public class ComputeTypeTests
{
    [Fact]
    public void Classifier_LearnsAsWellAsInFloat32()
    {
        using var documents = Toys.Documents(600);
        using var test = Toys.Documents(300, seed: 2);
        double single = Accuracy(null), mixed = Accuracy(ScalarType.BFloat16);
        Assert.InRange(single, 0.95, 1);
        Assert.InRange(mixed, single - 0.02, 1);

        double Accuracy(ScalarType? computeType)
        {
            using var randomState = new RandomStateScope(1);
            using var classifier = new MahaSequenceClassifier(new MahaTransformerOptions
            {
                VocabSize = Toys.VocabSize,
                MaxSequenceLength = 16,
                DModel = 16,
                NumHeads = 2,
                NumLayers = 1,
                FeedForwardDim = 32,
            }, Toys.NumClasses);
            var task = new SequenceClassificationTask(classifier, Toys.NumClasses);
            var trainer = new Trainer(new TrainingOptions
            {
                NumberOfEpochs = 12,
                TokensPerBatch = 256,
                LearningRate = 0.01,
                EarlyStoppingMetric = ValidationMetric.Accuracy,
                ComputeType = computeType,
            });
            trainer.Train(task, documents);
            return trainer.Evaluate(task, test).Accuracy!.Value;
        }
    }

    [Fact]
    public void UpdatesBelowThePrecisionOfBFloat16_AddUp()
    {
        // The weights are 1, and a step changes them by 1e-6. The next number below 1 in bfloat16 is 1 - 0.004.
        using var documents = Toys.Documents(1000);
        using var model = new Vector(1000);
        var inTraining = new List<double>();
        var task = new ScriptedTask(model, _ =>
        {
            Assert.Equal(ScalarType.BFloat16, model.Weight.dtype);
            using (var value = model.Weight.detach().to(ScalarType.Float32))
                inTraining.Add(value[0].ToDouble());
            return new TaskLoss(model.Weight.sum(), 1);
        });
        var options = MixedPrecision.Options with
        {
            NumberOfEpochs = 1,
            TokensPerBatch = 1,
            LearningRate = 1e-6,
            WarmupFraction = 0,
            MinLearningRateFraction = 1,
            WeightDecay = 0,
            ValidationFraction = 0,
        };
        var result = new Trainer(options).Train(task, documents);
        Assert.Equal(1000, result.Steps);
        Assert.All(inTraining, value => Assert.Equal(1, value));
        Assert.Equal(ScalarType.Float32, model.Weight.dtype);
        Assert.All(TestTensors.ToArray(model.Weight), value => Assert.Equal(1 - 1e-3, value, 1e-4));
    }

    [Fact]
    public void Float32_ChangesNothing()
    {
        using var documents = Toys.Documents(120);
        double[] expected = MixedPrecision.TrainedWeights(documents, MixedPrecision.Options with { ComputeType = null });
        Assert.Equal(expected, MixedPrecision.TrainedWeights(documents, MixedPrecision.Options with { ComputeType = ScalarType.Float32 }));
        Assert.NotEqual(expected, MixedPrecision.TrainedWeights(documents, MixedPrecision.Options));
    }

    [Fact]
    public void EqualSeeds_GiveEqualWeights_BitForBit()
    {
        using var documents = Toys.Documents(120);
        double[] first = MixedPrecision.TrainedWeights(documents, MixedPrecision.Options);
        Assert.Equal(first, MixedPrecision.TrainedWeights(documents, MixedPrecision.Options));
        Assert.NotEqual(first, MixedPrecision.TrainedWeights(documents, MixedPrecision.Options with { Seed = 4 }));
    }

    [Fact]
    public void Module_IsInBFloat16DuringTheTraining_AndInFloat32Afterwards()
    {
        using var documents = Toys.Documents(60);
        using var classifier = Toys.Classifier();
        var types = new HashSet<(bool IsTraining, ScalarType Type)>();
        var task = new SequenceClassificationTask(classifier, (ids, mask) =>
        {
            var logits = classifier.call(ids, mask);
            types.Add((classifier.training, logits.dtype));
            return (logits, null);
        }, Toys.NumClasses);
        new Trainer(MixedPrecision.Options).Train(task, documents);
        Assert.Equal([(false, ScalarType.BFloat16), (true, ScalarType.BFloat16)], types.Order());
        Assert.All(classifier.parameters(), parameter =>
        {
            Assert.Equal(ScalarType.Float32, parameter.dtype);
            Assert.True(parameter.requires_grad);
            Assert.Null(parameter.grad);
        });
    }

    [Fact]
    public void Loss_IsThatOfTheRoundedWeights_InFloat32()
    {
        using var documents = Toys.Documents(60);
        using var rounded = Toys.Classifier(type: ScalarType.BFloat16);
        var task = Toys.TaskOf(rounded);
        var options = MixedPrecision.Options with { NumberOfEpochs = 1, TokensPerBatch = 1 << 20, ValidationFraction = 0 };
        task.Begin(options, documents, null);
        using var scope = NewDisposeScope();
        var expected = task.Loss(TokenBatch.Create(documents, [.. Enumerable.Range(0, documents.Count)], CPU, 1)).Mean;
        Assert.Equal(ScalarType.Float32, expected.dtype);
        using var classifier = Toys.Classifier();
        double first = double.NaN;
        new Trainer(options).Train(Toys.TaskOf(classifier), documents, progress: new AtOnce(report => first = report.Loss));
        Assert.Equal(expected.ToDouble(), first, 1e-6);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Accumulation_IsOneLargeBatch_UpToTheRoundingOfGradients(int seed)
    {
        using var documents = Toys.Documents(60);
        var large = MixedPrecision.Options with { Seed = seed, TokensPerBatch = 1 << 20, ClassWeighting = ClassWeighting.Balanced, ValidationFraction = 0 };
        double[] before = Toys.WeightsOf(Toys.Classifier());
        double[] expected = MixedPrecision.TrainedWeights(documents, large, dropout: 0);
        double[] actual = MixedPrecision.TrainedWeights(documents, large with { TokensPerBatch = 40, GradientAccumulation = 1 << 20 }, dropout: 0);
        double moved = MixedPrecision.Distance(before, expected);
        Assert.True(moved > 0.05);
        Assert.InRange(MixedPrecision.Distance(expected, actual), 0, 0.2 * moved);
    }

    [Theory]
    [InlineData(ScalarType.Float64, ScalarType.BFloat16)]
    [InlineData(ScalarType.BFloat16, ScalarType.BFloat16)]
    [InlineData(ScalarType.Float64, ScalarType.Float32)]
    public void WeightsOfAnotherType_AreRefused(ScalarType weights, ScalarType computeType)
    {
        using var documents = Toys.Documents(40);
        using var classifier = Toys.Classifier(type: weights);
        var trainer = new Trainer(MixedPrecision.Options with { ComputeType = computeType });
        var e = Assert.Throws<ArgumentException>(() => trainer.Train(Toys.TaskOf(classifier), documents));
        Assert.StartsWith(
            $"The floating-point weights of the module must be Float32 where ComputeType is {computeType}, but 'embedding.weight' is {weights}. " +
            "Convert the module with to(ScalarType.Float32), or use null for ComputeType.", e.Message, StringComparison.Ordinal);
        Assert.All(classifier.parameters(), parameter => Assert.Equal(weights, parameter.dtype));
    }

    [Fact]
    public void SharedParameters_AreRefused()
    {
        using var documents = Toys.Documents(40);
        using var model = new TwoOwners();
        var task = new ScriptedTask(model, _ => new TaskLoss(model.Loss(), 1));
        var e = Assert.Throws<ArgumentException>(() => new Trainer(MixedPrecision.Options).Train(task, documents));
        Assert.Contains("Every parameter must belong to one part of the module where ComputeType is BFloat16, but 'weight' of Linear", e.Message,
            StringComparison.Ordinal);
        new Trainer(MixedPrecision.Options with { ComputeType = null }).Train(task, documents);
    }

    [Fact]
    public void LanguageModel_Learns_AndReportsItsLossInFloat32()
    {
        // The token after i is i + 1.
        using var documents = TokenizedDataset.FromTokenIds(Enumerable.Range(0, 200).Select(i => Enumerable.Range(i, 16).Select(t => t % 12).ToArray()));
        double single = Loss(null), mixed = Loss(ScalarType.BFloat16);
        Assert.InRange(single, 0, 0.5);
        Assert.InRange(mixed, 0, single + 0.1);

        double Loss(ScalarType? computeType)
        {
            using var randomState = new RandomStateScope(1);
            using var model = new MahaLanguageModel(new MahaTransformerOptions
            {
                VocabSize = 12,
                MaxSequenceLength = 16,
                DModel = 16,
                NumHeads = 2,
                NumLayers = 1,
                IsCausal = true,
            });
            var options = MixedPrecision.Options with { NumberOfEpochs = 20, TokensPerBatch = 256, EarlyStoppingPatience = null, ComputeType = computeType };
            var losses = new List<double>();
            var result = new Trainer(options).Train(new LanguageModelingTask(model), documents, progress: new AtOnce(report => losses.Add(report.Loss)));
            Assert.Contains(losses, loss => loss != MixedPrecision.RoundToBFloat16(loss));
            MixedPrecision.AssertFloat32(model);
            return result.BestValidation!.Loss;
        }
    }

    [Fact]
    public void LearningRateFactors_ScaleTheStepsOfTheirParameters()
    {
        // The first step of Adam is the learning rate in the direction of the gradient, whatever its size.
        foreach (var computeType in new ScalarType?[] { null, ScalarType.BFloat16 })
        {
            using var documents = Toys.Documents(20);
            using var model = new Vector(4);
            var task = new FactorTask(new ScriptedTask(model, _ => new TaskLoss(model.Weight.sum() + (3 * model.Second).sum(), 1)));
            var options = MixedPrecision.Options with
            {
                NumberOfEpochs = 1,
                TokensPerBatch = 1 << 20,
                LearningRate = 0.01,
                WarmupFraction = 0,
                ValidationFraction = 0,
                WeightDecay = 0,
                ComputeType = computeType,
            };
            new Trainer(options).Train(task, documents);
            Assert.All(TestTensors.ToArray(model.Weight), value => Assert.Equal(0.99, value, 1e-6));
            Assert.All(TestTensors.ToArray(model.Second), value => Assert.Equal(0.999, value, 1e-6));
        }
    }

    /// <summary>A task that trains the parameter "second" at a tenth of the learning rate.</summary>
    private sealed class FactorTask(ScriptedTask inner) : ITrainingTask, ILearningRateFactors
    {
        public nn.Module Module => inner.Module;

        public bool Reports(ValidationMetric metric) => inner.Reports(metric);

        public void Begin(TrainingOptions options, ITokenizedDocuments trainingDocuments, ITokenizedDocuments? validationDocuments)
        {
        }

        public TaskLoss Loss(TokenBatch batch) => inner.Loss(batch);

        public IValidationPass BeginValidation() => inner.BeginValidation();

        public double FactorOf(string parameterName) => parameterName == "second" ? 0.1 : 1;
    }
}
