using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Generation;
using Maha.Layers.Models;
using Maha.Layers.Tests.Text;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Core;

/// <summary>A caller may hold one dispose scope around a whole program: the library must not leave tensors in it.</summary>
[Collection(AloneCollection.Name)]
public class OuterScopeTests
{
    private const int V = 23;

    public static TheoryData<AttentionKind, AggregationKind, bool> Models
    {
        get
        {
            var data = new TheoryData<AttentionKind, AggregationKind, bool>();
            foreach (bool recompute in new[] { false, true })
            {
                foreach (var attention in Enum.GetValues<AttentionKind>().Where(attention => attention != AttentionKind.HsaCausal))
                    data.Add(attention, attention == AttentionKind.MahaReference ? AggregationKind.Softmax : AggregationKind.Convex, recompute);
                data.Add(AttentionKind.Maha, AggregationKind.Nash, recompute);
                data.Add(AttentionKind.Maha, AggregationKind.Gated, recompute);
            }
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void CallersOwnBackward_LeavesNothing(AttentionKind attention, AggregationKind aggregation, bool recompute)
    {
        using var model =
            new MahaSequenceClassifier((Options(attention) with { RecomputeBlocks = recompute, Dropout = 0.1 }).With(aggregation: aggregation), 3);
        using var ids = TestTensors.RandomIds(1, V, 2, 20);
        using var mask = attention == AttentionKind.MahaReference ? null : TokenMasks.Invalid([20, 9], 20, CPU);
        AssertFlat(() =>
        {
            using var result = model.call(ids, mask);
            using var loss = result.Logits.sum();
            using var total = loss + result.AuxiliaryLoss;
            total.backward();
            model.zero_grad();
        });
    }

    [Theory]
    [MemberData(nameof(FunctionNames))]
    public void Function_LeavesNothing(string name)
    {
        using var function = FunctionCase.All.Single(entry => entry.Key.Name == name).Value();
        long uncollected = AssertFlat(() =>
        {
            var outputs = function.Run().ToList();
            List<Tensor> gradients = [.. outputs.Select(output => ones_like(output))];
            foreach (int i in Enumerable.Range(0, outputs.Count).Where(i => !outputs[i].requires_grad).Reverse())
            {
                using var output = outputs[i];
                using var gradient = gradients[i];
                outputs.RemoveAt(i);
                gradients.RemoveAt(i);
            }
            autograd.backward(outputs, gradients);
            foreach (var tensor in outputs.Concat(gradients))
                tensor.Dispose();
            foreach (var input in function.Inputs)
                input.grad = null;
        });
        // The garbage collector does not see the size of a gradient: each must be freed at once, except those that the last call returned.
        Assert.InRange(uncollected, long.MinValue, function.Inputs.Length);
    }

    public static TheoryData<string> FunctionNames => [.. FunctionCase.All.Keys.Select(type => type.Name)];

    [Fact]
    public void FailedPasses_LeaveNothing()
    {
        using var model = new MahaSequenceClassifier(Options(AttentionKind.Maha), 3);
        using var ids = TestTensors.RandomIds(1, V, 2, 20);
        AssertFlat(() =>
        {
            using var result = model.call(ids, null);
            using var loss = result.Logits.sum();
            using (no_grad())
            using (NewDisposeScope())
            {
                foreach (var parameter in model.parameters())
                    parameter.zero_();
            }
            Assert.ThrowsAny<Exception>(() => BackwardPass.Run(loss));
            model.zero_grad();
        });
    }

    [Fact]
    public void Training_AndEvaluation_LeaveNothing()
    {
        using var documents =
            TokenizedDataset.FromTokenIds(Enumerable.Range(0, 12).Select(i => (Enumerable.Range(0, 10).Select(j => 6 + ((i + j) % 17)).ToArray(), i % 3)));
        using var classifier = new MahaSequenceClassifier(Options(AttentionKind.Maha), 3);
        using var model = new MahaLanguageModel(Options(AttentionKind.Maha) with { IsCausal = true });
        using var encoder = new MahaDocumentEncoder(Options(AttentionKind.Maha), new DocumentVectorParts());
        ITrainingTask[] tasks = [new SequenceClassificationTask(classifier, 3), new LanguageModelingTask(model), new EncoderPretrainingTask(encoder)];
        foreach (var task in tasks)
        {
            var trainer = new Trainer(new TrainingOptions { NumberOfEpochs = 2, TokensPerBatch = 64, GradientAccumulation = 2, ValidationFraction = 0.25 });
            AssertFlat(() => trainer.Train(task, documents), task.GetType().Name);
            AssertFlat(() => trainer.Evaluate(task, documents), task.GetType().Name);
        }
    }

    [Theory]
    [InlineData(AttentionKind.Maha)]
    [InlineData(AttentionKind.Full)]
    [InlineData(AttentionKind.Window)]
    [InlineData(AttentionKind.HsaCausal)]
    public void LanguageModel_LeavesNothing(AttentionKind attention)
    {
        var tokenizer = TokenizerSamples.Small;
        using var model = new MahaLanguageModel(Options(attention) with { IsCausal = true, VocabSize = tokenizer.VocabSize });
        using var ids = TestTensors.RandomIds(1, V, 2, 20);
        AssertFlat(() =>
        {
            using var loss = model.Loss(ids, null);
            loss.Mean.backward();
            model.zero_grad();
        });
        AssertFlat(() => model.LogLikelihoods(ids, null).Dispose());
        AssertFlat(() => new TextScorer(model, tokenizer).Score("the quick dog"));
        AssertFlat(() => new TextGenerator(model, tokenizer).Generate("the quick", new GenerationOptions { MaxTokens = 5 }));
    }

    [Fact]
    public void DocumentEncoder_LeavesNothing()
    {
        using var documents =
            TokenizedDataset.FromTokenIds(Enumerable.Range(0, 12).Select(i => Enumerable.Range(0, 10).Select(j => 6 + ((i + j) % 17)).ToArray()));
        using var encoder = new MahaDocumentEncoder(Options(AttentionKind.Maha), new DocumentVectorParts());
        using var ids = TestTensors.RandomIds(1, V, 2, 20);
        AssertFlat(() => encoder.FitSpectral(documents, 1));
        AssertFlat(() => encoder.FitScale(documents));
        AssertFlat(() => encoder.call(ids, null).Dispose());
    }

    // Counts the tensors in the scope of this thread; tensors that no scope owns appear in the count of the process. Returns the number of tensors that
    // wait for the garbage collector after three steps.
    private static long AssertFlat(Action step, string? what = null)
    {
        using var outer = NewDisposeScope();
        step();
        int inScope = outer.DisposablesCount;
        ReturnedGradients.Release();
        long live = TestTensors.CountLive();
        for (int i = 0; i < 3; i++)
            step();
        long uncollected = Tensor.TotalCount;
        Assert.True(inScope == 0 && outer.DisposablesCount == 0, $"{what}: {inScope} tensors in the scope after a step, {outer.DisposablesCount} after four");
        ReturnedGradients.Release();
        TestTensors.AssertLiveAtMost(live);
        return uncollected - live;
    }

    private static MahaTransformerOptions Options(AttentionKind attention) => new MahaTransformerOptions
    {
        VocabSize = V,
        MaxSequenceLength = 64,
        DModel = 12,
        NumHeads = 3,
        NumLayers = 2,
        FeedForwardDim = 20,
        Dropout = 0,
    }.With(window: 4, attention: attention);
}
