using Maha.Layers.Attention;
using Maha.Layers.Weights;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

/// <summary>Weights that are dropped and names that are refused; the reference vectors check the values under each name.</summary>
public class ReferenceNameMapTests
{
    [Theory]
    [InlineData("dilated_conv.0.weight", "mixer.local_conv.weight")]
    [InlineData("decomposition.downsamplers.1.bias", "mixer.decomposition.downsamplers.1.bias")]
    [InlineData("attention.decomposition.downsamplers.1.bias", "mixer.decomposition.downsamplers.1.bias")]
    [InlineData("attention.q_projs.2.weight", "mixer.attention.q_projs.2.weight")]
    [InlineData("attention.k_projs.0.bias", "mixer.attention.k_projs.0.bias")]
    [InlineData("attention.shared_v_proj.bias", "mixer.attention.v_proj.bias")]
    [InlineData("aggregation.convex_logits", "mixer.aggregation.logits")]
    [InlineData("aggregation.utility_proj.weight", null)]
    [InlineData("norm1.weight", "mixer_norm.weight")]
    [InlineData("norm2.bias", "feed_forward_norm.bias")]
    [InlineData("ffn.0.weight", "feed_forward.expand.weight")]
    [InlineData("ffn.3.bias", "feed_forward.contract.bias")]
    public void BlockNames_AreTranslated(string theirs, string? ours)
    {
        Assert.Equal(ours, ReferenceNameMap.BlockName(theirs, AggregationKind.Softmax));
        Assert.Equal(ours is null ? null : "encoder.blocks.11." + ours, ReferenceNameMap.ModelName("layers.11." + theirs, AggregationKind.Softmax));
    }

    [Fact]
    public void Logits_AreDropped_WhereTheyAreNeverRead()
        => Assert.Null(ReferenceNameMap.BlockName("aggregation.convex_logits", AggregationKind.ReferenceNash));

    [Theory]
    [InlineData("token_emb.weight", "encoder.token_embedding.weight")]
    [InlineData("pos_emb.weight", "encoder.position_embedding.weight")]
    [InlineData("final_norm.bias", "encoder.final_norm.bias")]
    [InlineData("classifier.weight", "head.weight")]
    public void ModelNames_AreTranslated(string theirs, string ours)
        => Assert.Equal(ours, ReferenceNameMap.ModelName(theirs, AggregationKind.Softmax));

    [Theory]
    [InlineData("layers.0")]
    [InlineData("layers.0.ffn.1.weight")]
    [InlineData("mixer.local_conv.weight")]
    [InlineData("")]
    public void UnknownName_IsRefused(string name)
    {
        using var scope = NewDisposeScope();
        var state = new Dictionary<string, Tensor> { [name] = zeros(1) };
        Assert.Contains("published code's state dict",
            Assert.Throws<WeightFileException>(() => ReferenceNameMap.ForTransformer(state, AggregationKind.Softmax)).Message);
    }

    [Fact]
    public void SharedDecomposition_MustBeEqualUnderBothNames()
    {
        using var scope = NewDisposeScope();
        const string first = "decomposition.downsamplers.0.bias", second = "attention.decomposition.downsamplers.0.bias";
        var state = new Dictionary<string, Tensor> { [first] = ones(3), [second] = ones(3) };
        Assert.Single(ReferenceNameMap.ForBlock(state, AggregationKind.Softmax));
        foreach (var other in new[] { zeros(3), ones(4), ones(3).to(ScalarType.Float64) })
        {
            state[second] = other;
            string message = Assert.Throws<WeightFileException>(() => ReferenceNameMap.ForBlock(state, AggregationKind.Softmax)).Message;
            Assert.Contains(first, message);
            Assert.Contains(second, message);
        }
    }
}
