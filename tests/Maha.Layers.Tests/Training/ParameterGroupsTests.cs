using Maha.Layers.Models;
using Maha.Layers.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Training;

[Collection(AloneCollection.Name)]
public class ParameterGroupsTests
{
    [Fact]
    public void BiasesNormsAndEmbeddings_DoNotDecay()
    {
        using var model = new MahaSequenceClassifier(
            new MahaTransformerOptions { VocabSize = 11, MaxSequenceLength = 8, DModel = 6, NumHeads = 2, NumLayers = 1, FeedForwardDim = 10 }, 3);
        var groups = ParameterGroups.Create(model, 0.1);
        Assert.Equal([(0.1, 1.0), (0, 1)], groups.Select(group => (group.WeightDecay, group.LearningRateFactor)));
        Assert.Equal(
            model.named_parameters().Select(entry => (entry.name, entry.parameter.Handle)).Order(),
            groups.SelectMany(group => group.Parameters).Select(entry => (entry.Name, entry.Parameter.Handle)).Order());
        Assert.All(groups[0].Parameters, entry =>
        {
            Assert.True(entry.Parameter.Dimensions >= 2, entry.Name);
            Assert.DoesNotContain("norm", entry.Name, StringComparison.Ordinal);
            Assert.DoesNotContain("embedding", entry.Name, StringComparison.Ordinal);
        });
        Assert.Contains(groups[0].Parameters, entry => entry.Name == "head.weight");
        string[] notDecayingNames = [.. groups[1].Parameters.Select(entry => entry.Name)];
        Assert.Contains("encoder.token_embedding.weight", notDecayingNames);
        Assert.Contains("encoder.position_embedding.weight", notDecayingNames);
        Assert.Contains("encoder.final_norm.weight", notDecayingNames);
        Assert.Contains("head.bias", notDecayingNames);
    }

    [Theory]
    [InlineData("token_embeddings", 2, false)]
    [InlineData("PositionEmbedding", 3, false)]
    [InlineData("weight", 2, true)]
    [InlineData("kernel", 3, true)]
    [InlineData("scores", 1, false)]
    public void ParametersOfAModulesOwn_DecayByShapeAndName(string name, int dimensions, bool decays)
    {
        using var module = new Own(name, dimensions);
        Assert.Equal(decays ? 0.1 : 0, Assert.Single(ParameterGroups.Create(module, 0.1)).WeightDecay);
    }

    [Fact]
    public void FrozenParameters_AreLeftOut()
    {
        using var classifier = Toys.Classifier();
        classifier.get_parameter("head.weight")!.requires_grad_(false);
        var group = Assert.Single(ParameterGroups.Create(classifier, 0.1));
        Assert.Equal((0.0, 1.0), (group.WeightDecay, group.LearningRateFactor));
        Assert.Equal(["embedding.weight", "head.bias"], group.Parameters.Select(entry => entry.Name));
    }

    [Fact]
    public void LearningRateFactors_SplitTheGroups()
    {
        using var model = new MahaSequenceClassifier(
            new MahaTransformerOptions { VocabSize = 11, MaxSequenceLength = 8, DModel = 6, NumHeads = 2, NumLayers = 1, FeedForwardDim = 10 }, 3);
        var groups = ParameterGroups.Create(model, 0.1, new Factors(name => name.StartsWith("encoder.", StringComparison.Ordinal) ? 0.1 : 1));
        Assert.Equal(
            [(0.1, 0.1), (0.1, 1.0), (0, 0.1), (0, 1)],
            groups.Select(group => (group.WeightDecay, group.LearningRateFactor)));
        Assert.Equal(model.named_parameters().Count(), groups.Sum(group => group.Parameters.Count));
        Assert.All(groups, group => Assert.All(group.Parameters, entry =>
            Assert.Equal(group.LearningRateFactor == 0.1, entry.Name.StartsWith("encoder.", StringComparison.Ordinal))));
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(-1.0)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    public void InvalidFactors_AreRefused(double factor)
    {
        using var classifier = Toys.Classifier();
        var e = Assert.Throws<InvalidOperationException>(() => ParameterGroups.Create(classifier, 0.1, new Factors(_ => factor)));
        Assert.Contains($"must be above 0 and finite, but is {factor} for 'embedding.weight'", e.Message, StringComparison.Ordinal);
    }

    /// <summary>A module with a parameter that no layer of TorchSharp holds.</summary>
    private sealed class Own : nn.Module
    {
        public Own(string name, int dimensions) : base(nameof(Own)) =>
            register_parameter(name, new Parameter(ones([.. Enumerable.Repeat(2L, dimensions)])));

        protected override void RegisterComponents()
        {
        }
    }

    private sealed class Factors(Func<string, double> factorOf) : ILearningRateFactors
    {
        public double FactorOf(string parameterName) => factorOf(parameterName);
    }
}
