using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Tests.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

/// <summary>Trainings whose frozen layers are computed once.</summary>
[Collection(AloneCollection.Name)]
public sealed class StoredStatesTrainingTests
{
    private static readonly WordPieceTokenizer s_tokenizer = SmallReader.Tokenizer;

    public static TheoryData<ScalarType?, int> Cases => new() { { null, 1 }, { null, 3 }, { ScalarType.BFloat16, 1 }, { ScalarType.BFloat16, 3 } };

    [Fact]
    public void TheEncoder_LearnsAtATenthOfTheRate()
    {
        const double rate = 0.01;
        using var randomState = new RandomStateScope(1);
        using var scope = NewDisposeScope();
        using var classifier = new WindowedClassifier(SmallReader.Encoder, SmallReader.Windows, 2);
        using var raw = TokenizedDataset.FromTokenIds(Enumerable.Range(0, 8).Select(i => (Enumerable.Range(7 + i, 6).ToArray(), i % 2)));
        var documents = new WindowedDocuments(raw, new TokenWindows(s_tokenizer, 12), 4, fixedSeed: 1);
        var before = classifier.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter.clone());
        var options = new TrainingOptions
        {
            NumberOfEpochs = 1,
            LearningRate = rate,
            WarmupFraction = 0,
            WeightDecay = 0,
            MaxGradientNorm = double.PositiveInfinity,
            ValidationFraction = 0,
        };
        Assert.Equal(1, new Trainer(options).Train(new WindowedClassificationTask(classifier, new CrossEntropyLoss(2), states: null), documents).Steps);
        // The first step of Adam is the rate, whatever the gradient is.
        var moved = classifier.named_parameters().ToDictionary(entry => entry.name, entry => (entry.parameter - before[entry.name]).abs().max().ToDouble());
        bool IsOfEncoder(string name) => name.StartsWith(WindowedClassifier.EncoderPrefix, StringComparison.Ordinal);
        Assert.Equal(rate / 10, moved.Where(entry => IsOfEncoder(entry.Key)).Max(entry => entry.Value), rate / 100);
        Assert.Equal(rate, moved.Where(entry => !IsOfEncoder(entry.Key)).Max(entry => entry.Value), rate / 100);
    }

    // The weights compute in another type than the stored states have, and all layers may be frozen.
    [Theory]
    [MemberData(nameof(Cases))]
    public void Losses_AreThoseOfATrainingThatComputesTheFrozenLayersAgain(ScalarType? computeType, int frozen)
    {
        var stored = Losses(isStored: true);
        var again = Losses(isStored: false);
        Assert.Equal(again.Count, stored.Count);
        Assert.All(again.Zip(stored), pair => Assert.Equal(pair.First, pair.Second, computeType is null ? 2e-3 : 3e-2));
        Assert.True(stored[^1] < stored[0] - 0.05, $"{stored[0]} to {stored[^1]}");

        List<double> Losses(bool isStored)
        {
            using var randomState = new RandomStateScope(1);
            using var scope = NewDisposeScope();
            using var classifier = new WindowedClassifier(SmallReader.Encoder, SmallReader.Windows, 2);
            var random = new Random(2);
            using var raw = TokenizedDataset.FromTokenIds(Enumerable.Range(0, 60).Select(i => (
                Enumerable.Range(0, random.Next(1, 60)).Select(_ => random.Next(3) == 0 ? 7 + (i % 2) : random.Next(9, s_tokenizer.VocabSize)).ToArray(), i % 2)));
            var documents = new WindowedDocuments(raw, new TokenWindows(s_tokenizer, 12), 4, fixedSeed: 1);
            classifier.Reader.Encoder.Freeze(frozen);
            using var states = isStored
                ? WindowStates.Compute(classifier.Reader, documents, frozen, new TokenizedDatasetOptions(), progress: null, group: null, CancellationToken.None) : null;
            var losses = new List<double>();
            var options = new TrainingOptions
            {
                NumberOfEpochs = 8,
                TokensPerBatch = 200,
                LearningRate = 0.01,
                ValidationFraction = 0,
                ComputeType = computeType,
            };
            var task = new WindowedClassificationTask(classifier, new CrossEntropyLoss(2), states is null ? null : _ => states);
            new Trainer(options).Train(task, documents, progress: new AtOnce(now => losses.Add(now.Loss)));
            return losses;
        }
    }
}
