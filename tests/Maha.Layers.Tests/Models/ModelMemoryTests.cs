using Maha.Layers.Aggregation;
using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Tests.Models;

[Collection(AloneCollection.Name)]
public class ModelMemoryTests
{
    private static readonly MahaTransformerOptions Options = new()
    {
        VocabSize = 11, MaxSequenceLength = 9, Attention = AttentionKind.MahaReference, DModel = 6, NumHeads = 2, NumLayers = 2, FeedForwardDim = 10, NumScales = 3, Dropout = 0.1,
    };

    [Theory]
    [InlineData(AggregationKind.Softmax)]
    [InlineData(AggregationKind.ReferenceNash)]
    [InlineData(AggregationKind.Mean)]
    [InlineData(AggregationKind.Gated)]
    public void Forward_LeavesTheResultAlone(AggregationKind kind)
    {
        using var model = new MahaSequenceClassifier(Options with { Aggregation = kind }, 3);
        using var ids = TestTensors.RandomIds(1, 11, 2, 8);
        long before = Live();
        using (var result = model.call(ids, null))
        {
            // logits, features, loss, and weights and residuals of two layers: what the result names
            int named = 3 + result.Encoding.Layers.Sum(layer => 1 + (layer.Diagnostics!.Residuals is null ? 0 : 1));
            Assert.Equal(before + named, Tensor.TotalCount);
        }
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void TrainingStep_InAScope_LeavesNothing()
    {
        using var model = new MahaTokenModel(Options);
        using var ids = TestTensors.RandomIds(2, 11, 2, 8);
        Step(); // gradients come into being
        long before = Live();
        for (int i = 0; i < 3; i++)
            Step();
        Assert.Equal(before, Live());

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
        using var block = new MahaBlock(Options);
        using var hidden = zeros(1, 4, 7);
        long before = Live();
        Assert.Throws<ArgumentException>(() => block.call(hidden, MixingContext.Unpadded));
        Assert.Equal(before, Live());
    }

    [Fact]
    public void DisposedModel_LeavesNothing()
    {
        long before = Live();
        List<Tensor> weights;
        using (var model = new MahaSequenceClassifier(Options, 3))
            weights = [.. model.parameters(), .. model.buffers()];
        Assert.NotEmpty(weights);
        Assert.All(weights, weight => Assert.True(weight.IsInvalid));

        // TorchSharp counts a parameter of its own layers twice when it is made and once when it is disposed.
        Assert.InRange(Live() - before, 0, weights.Count);
    }

    private static long Live()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        return Tensor.TotalCount;
    }
}
