using Maha.Layers.Models;
using Maha.Layers.Training;

namespace Maha.Layers.Tests.Training;

public class ParameterGroupsTests
{
    [Fact]
    public void BiasesNormsAndEmbeddings_DoNotDecay()
    {
        using var model = new MahaSequenceClassifier(
            new MahaTransformerOptions { VocabSize = 11, MaxSequenceLength = 8, DModel = 6, NumHeads = 2, NumLayers = 1, FeedForwardDim = 10 }, 3);
        var (decaying, notDecaying) = ParameterGroups.SplitByWeightDecay(model);
        var names = model.named_parameters().ToDictionary(entry => entry.parameter.Handle, entry => entry.name);
        Assert.Equal(names.Values.Order(), decaying.Concat(notDecaying).Select(parameter => names[parameter.Handle]).Order());
        Assert.All(decaying, parameter =>
        {
            string name = names[parameter.Handle];
            Assert.True(parameter.Dimensions >= 2, name);
            Assert.DoesNotContain("norm", name, StringComparison.Ordinal);
            Assert.DoesNotContain("embedding", name, StringComparison.Ordinal);
        });
        Assert.Contains(decaying, parameter => names[parameter.Handle] == "head.weight");
        string[] notDecayingNames = [.. notDecaying.Select(parameter => names[parameter.Handle])];
        Assert.Contains("encoder.token_embedding.weight", notDecayingNames);
        Assert.Contains("encoder.position_embedding.weight", notDecayingNames);
        Assert.Contains("encoder.final_norm.weight", notDecayingNames);
        Assert.Contains("head.bias", notDecayingNames);
    }

    [Fact]
    public void FrozenParameters_AreLeftOut()
    {
        using var classifier = Toys.Classifier();
        classifier.get_parameter("head.weight")!.requires_grad_(false);
        var (decaying, notDecaying) = ParameterGroups.SplitByWeightDecay(classifier);
        Assert.Empty(decaying);
        Assert.Equal(2, notDecaying.Count);
    }
}
