using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Tests.Models;

[Collection(AloneCollection.Name)]
public class ModelMemoryTests
{
    private static readonly MahaTransformerOptions s_options = new MahaTransformerOptions
    {
        VocabSize = 11,
        MaxSequenceLength = 9,
        DModel = 6,
        NumHeads = 2,
        NumLayers = 2,
        FeedForwardDim = 10,
        Dropout = 0.1,
    }.With(attention: AttentionKind.MahaReference, numScales: 3);

    [Theory]
    [InlineData(AggregationKind.Softmax)]
    [InlineData(AggregationKind.ReferenceNash)]
    [InlineData(AggregationKind.Mean)]
    [InlineData(AggregationKind.Gated)]
    public void Forward_LeavesTheResultAlone(AggregationKind kind)
    {
        using var model = new MahaSequenceClassifier(s_options.With(aggregation: kind), 3);
        using var ids = TestTensors.RandomIds(1, 11, 2, 8);
        long before = TestTensors.CountLive();
        using (var result = model.call(ids, null))
        {
            // the tensors of the result: logits, features, loss, and weights and residuals of two layers
            int named = 3 + result.Encoding.Layers.Sum(layer => 1 + (layer.Diagnostics!.Residuals is null ? 0 : 1));
            TestTensors.AssertLiveAtMost(before + named);
        }
        TestTensors.AssertLiveAtMost(before);
    }

    [Fact]
    public void TrainingStep_InAScope_LeavesNothing()
    {
        using var model = new MahaTokenModel(s_options);
        using var ids = TestTensors.RandomIds(2, 11, 2, 8);
        Step(); // creates the gradients
        long before = TestTensors.CountLive();
        for (int i = 0; i < 3; i++)
            Step();
        TestTensors.AssertLiveAtMost(before);

        void Step()
        {
            using var scope = NewDisposeScope();
            var result = model.call(ids, null);
            (functional.cross_entropy(result.Logits.reshape(-1, 11), ids.reshape(-1)) + result.AuxiliaryLoss).backward();
            model.zero_grad(false);
        }
    }

    [Fact]
    public void RefusedInput_LeavesNothing()
    {
        using var block = new MahaBlock(s_options);
        using var hidden = zeros(1, 4, 7);
        long before = TestTensors.CountLive();
        Assert.Throws<ArgumentException>(() => block.call(hidden, MixingContext.Unpadded));
        TestTensors.AssertLiveAtMost(before);
    }

    [Theory]
    [InlineData(AttentionKind.MahaReference)]
    [InlineData(AttentionKind.Maha)]
    [InlineData(AttentionKind.Full)]
    [InlineData(AttentionKind.Hsa)]
    [InlineData(AttentionKind.HsaCausal)]
    [InlineData(AttentionKind.Window)]
    public void DisposedModel_LeavesNothing(AttentionKind attention)
    {
        var model = new MahaSequenceClassifier(
            (s_options with { Pooling = PoolingKind.Attentive }).With(attention: attention, aggregation: AggregationKind.Softmax), 3);
        Tensor[] owned = [.. model.parameters(), .. model.buffers()];
        long live = TestTensors.CountLive();
        model.Dispose();
        Assert.All(owned, tensor => Assert.True(tensor.IsInvalid));
        TestTensors.AssertLiveAtMost(live - owned.Length);
    }
}
