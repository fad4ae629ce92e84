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
            Assert.Equal(before + named, Tensor.TotalCount);
        }
        Assert.Equal(before, Tensor.TotalCount);
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
        Assert.Equal(before, TestTensors.CountLive());

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
        Assert.Equal(before, TestTensors.CountLive());
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
        long before = TestTensors.CountLive();
        var model = new MahaSequenceClassifier(
            (s_options with { Pooling = PoolingKind.Attentive }).With(attention: attention, aggregation: AggregationKind.Softmax), 3);
        Tensor[] owned = [.. model.parameters(), .. model.buffers()];
        // TorchSharp never stops counting a tensor that became a parameter, in addition to the parameter. Embeddings create theirs in native code.
        int moved = model.named_modules()
            .Where(part => part.module is not TorchSharp.Modules.Embedding).Sum(part => part.module.parameters(recurse: false).Count());
        Assert.Equal(before + owned.Length + moved, TestTensors.CountLive());
        model.Dispose();
        Assert.All(owned, tensor => Assert.True(tensor.IsInvalid));
        Assert.Equal(before + moved, TestTensors.CountLive());
    }
}
