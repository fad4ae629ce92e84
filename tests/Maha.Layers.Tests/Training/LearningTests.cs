using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

[Collection(AloneCollection.Name)]
public class LearningTests
{
    private static readonly TrainingOptions s_options = new()
    {
        NumberOfEpochs = 12,
        TokensPerBatch = 256,
        LearningRate = 0.01,
        EarlyStoppingMetric = ValidationMetric.Accuracy,
    };

    [Fact]
    public void Classifier_LearnsToFindAToken()
    {
        using var classifier = NewClassifier();
        Assert.InRange(AccuracyOnNewDocuments(new SequenceClassificationTask(classifier, Toys.NumClasses)), 0.95, 1);
    }

    [Fact]
    public void ModelThatIgnoresTheDocument_DoesNotPass()
    {
        // The same training with models that must fail: the test above cannot pass with them.
        using var constant = new Linear1();
        Assert.InRange(
            AccuracyOnNewDocuments(new SequenceClassificationTask(constant, (ids, _) => (constant.Constant(ids.shape[0]), null), Toys.NumClasses)), 0, 0.5);
        using var identity = new Linear1();
        Assert.InRange(AccuracyOnNewDocuments(new SequenceClassificationTask(identity, (ids, _) => (identity.call(ids), null), Toys.NumClasses)), 0, 0.6);
    }

    private static MahaSequenceClassifier NewClassifier()
    {
        using var randomState = new RandomStateScope(1);
        return new MahaSequenceClassifier(new MahaTransformerOptions
        {
            VocabSize = Toys.VocabSize,
            MaxSequenceLength = 16,
            DModel = 16,
            NumHeads = 2,
            NumLayers = 1,
            FeedForwardDim = 32,
            Dropout = 0.1,
        }.With(numScales: 2), Toys.NumClasses);
    }

    private static double AccuracyOnNewDocuments(SequenceClassificationTask task)
    {
        using var documents = Toys.Documents(600);
        using var test = Toys.Documents(300, seed: 2);
        var trainer = new Trainer(s_options);
        trainer.Train(task, documents);
        return trainer.Evaluate(task, test).Accuracy!.Value;
    }

    /// <summary>One linear layer over the id of the first token: the classifier if its encoder were the identity.</summary>
    private sealed class Linear1 : nn.Module<Tensor, Tensor>
    {
        private readonly Linear _head = nn.Linear(1, Toys.NumClasses);

        public Linear1() : base(nameof(Linear1)) => register_module("head", _head);

        public Tensor Constant(long batchSize) => _head.call(ones(batchSize, 1));

        public override Tensor forward(Tensor input) => _head.call(input[TensorIndex.Colon, TensorIndex.Slice(0, 1)].to(ScalarType.Float32) / Toys.VocabSize);

        protected override void RegisterComponents()
        {
        }
    }
}
