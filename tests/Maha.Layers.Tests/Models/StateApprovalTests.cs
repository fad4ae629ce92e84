using Maha.Layers.Attention;
using Maha.Layers.Models;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Models;

/// <summary>The names and shapes of saved weights. A change breaks every file that users have saved.</summary>
public class StateApprovalTests
{
    private static readonly MahaTransformerOptions s_options = new MahaTransformerOptions
    {
        VocabSize = 7,
        MaxSequenceLength = 9,
        DModel = 6,
        NumHeads = 2,
        NumLayers = 1,
        FeedForwardDim = 10,
    }.With(attention: AttentionKind.MahaReference, numScales: 3);

    [Theory]
    [InlineData(AggregationKind.Softmax)]
    [InlineData(AggregationKind.ReferenceNash)]
    [InlineData(AggregationKind.Mean)]
    [InlineData(AggregationKind.Gated)]
    public void TokenModel(AggregationKind kind)
    {
        using var model = new MahaTokenModel(s_options.With(aggregation: kind));
        Approve($"MahaTokenModel.MahaReference.{kind}", model);
    }

    [Fact]
    public void SequenceClassifier()
    {
        using var model = new MahaSequenceClassifier(s_options.With(aggregation: AggregationKind.Mean), 4);
        Approve("MahaSequenceClassifier.MahaReference.Mean", model);
    }

    [Theory]
    [InlineData(AttentionKind.Maha, AggregationKind.Convex)]
    [InlineData(AttentionKind.Maha, AggregationKind.Nash)]
    [InlineData(AttentionKind.Full, AggregationKind.Mean)]
    [InlineData(AttentionKind.Window, AggregationKind.Mean)]
    public void EfficientTokenModel(AttentionKind attention, AggregationKind aggregation)
    {
        using var model = new MahaTokenModel(s_options.With(attention: attention, aggregation: aggregation));
        Approve($"MahaTokenModel.{attention}.{aggregation}", model);
    }

    private static void Approve(string name, nn.Module module)
    {
        string actual = string.Concat(
            module.state_dict().OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => $"{entry.Key} [{string.Join(", ", entry.Value.shape)}]\n"));
        string path = Path.Combine(AppContext.BaseDirectory, "Approvals", name + ".approved.txt");
        string expected = File.Exists(path) ? File.ReadAllText(path) : "";
        Assert.True(expected == actual, $"{name}.approved.txt must hold what the module has. If the change is meant, write this into it:\n{actual}");
    }
}
