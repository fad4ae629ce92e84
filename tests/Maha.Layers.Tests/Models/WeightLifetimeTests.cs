using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Generation;
using Maha.Layers.Models;
using Maha.Layers.Swap;
using Maha.Layers.Tests.Text;
using Maha.Layers.Training;
using Maha.Layers.Weights;
using TorchSharp;
using static Maha.Layers.Tests.TestTensors;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Models;

/// <summary>The weights of a module live until the module is disposed: no operation frees them, and no dispose scope does.</summary>
public class WeightLifetimeTests
{
    private static readonly int s_v = TokenizerSamples.Small.VocabSize;

    private static readonly AttentionKind[] s_causal = [AttentionKind.Maha, AttentionKind.Full, AttentionKind.Window, AttentionKind.HsaCausal];

    public static TheoryData<string> Modules => PublicModules.Names;

    public static TheoryData<AttentionKind> Attentions => [.. Enum.GetValues<AttentionKind>()];

    public static TheoryData<AttentionKind> CausalAttentions => [.. s_causal];

    public static TheoryData<AggregationKind> Aggregations => [.. Enum.GetValues<AggregationKind>()];

    [Fact]
    public void EveryPublicModule_IsInTheTable()
    {
        var types = typeof(MahaEncoder).Assembly.GetExportedTypes().Where(type => type.IsSubclassOf(typeof(nn.Module)) && !type.IsAbstract);
        Assert.Empty(types.Select(type => type.Name).Except(PublicModules.All.Values.Select(make => make().GetType().Name)));
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void ModuleBuiltInAScope_OutlivesIt(string name)
    {
        nn.Module module;
        using (NewDisposeScope())
            module = PublicModules.All[name]();
        using (module)
            AssertWhole(module);
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void ModuleConvertedInAScope_OutlivesIt(string name)
    {
        using var module = PublicModules.All[name]();
        using (NewDisposeScope())
            module.to(ScalarType.Float64);
        AssertWhole(module);
        Assert.All(module.state_dict().Values, weight => Assert.Equal(ScalarType.Float64, weight.dtype));
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void ModuleLoadedInAScope_OutlivesIt_WithTheValues(string name)
    {
        using var saved = PublicModules.All[name]();
        using var file = new MemoryStream();
        ModuleWeights.Save(saved, file);
        file.Position = 0;
        nn.Module loaded;
        using (NewDisposeScope())
        {
            loaded = PublicModules.All[name]();
            ModuleWeights.Load(loaded, file);
        }
        using (loaded)
            AssertWeights(WeightsOf(saved), loaded);
    }

    [Theory]
    [MemberData(nameof(Modules))]
    public void DisposedModule_HasNoLiveWeight(string name)
    {
        var module = PublicModules.All[name]();
        Tensor[] weights = [.. module.parameters(), .. module.buffers()];
        module.Dispose();
        Assert.All(weights, weight => Assert.True(weight.IsInvalid));
    }

    [Theory]
    [MemberData(nameof(Attentions))]
    public void Encoder_KeepsItsWeights(AttentionKind attention)
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.Float64 })
        {
            using var classifier = new MahaSequenceClassifier(Options(attention), 3);
            classifier.to(type);
            var mask = attention == AttentionKind.MahaReference ? null : Mask();
            var context = new MixingContext { KeyPaddingMask = mask };
            foreach (bool training in new[] { true, false })
            {
                classifier.train(training);
                Keeps(classifier, () => classifier.call(Ids(), mask));
                Keeps(classifier, () =>
                {
                    using var noGradient = no_grad();
                    classifier.call(Ids(), mask);
                    classifier.call(Ids(), null);
                });
                Keeps(classifier, () => LayerDiagnostics.Compute(classifier.Inspect(Ids(), mask).Encoding, mask));
                Keeps(classifier, () =>
                {
                    var result = classifier.call(Ids(), mask);
                    (result.Logits.sum() + result.AuxiliaryLoss).backward();
                    classifier.zero_grad();
                });
                Keeps(classifier, () => classifier.Pooling.call(classifier.Encoder.call(Ids(), context).Features, mask));
                Keeps(classifier, () =>
                {
                    var one = ones(1, 12, Options(attention).DModel, type);
                    foreach (var block in classifier.Encoder.Blocks)
                    {
                        (block.Mixer as MahaMixer)?.AttentionWeights(one, MixingContext.Unpadded);
                        (block.Mixer as HsaMixer)?.DistanceToFlat(one, MixingContext.Unpadded);
                        (block.Mixer as HsaMixer)?.AttentionWeights(one, MixingContext.Unpadded);
                    }
                });
            }
            Keeps(classifier, () => ModuleWeights.Save(classifier, Stream.Null));
        }
    }

    [Theory]
    [MemberData(nameof(CausalAttentions))]
    public void LanguageModel_KeepsItsWeights(AttentionKind attention)
    {
        foreach (bool tied in new[] { true, false })
        {
            using var model =
                new MahaLanguageModel(Options(attention) with { IsCausal = attention != AttentionKind.HsaCausal, Positions = PositionKind.Rotary }, tied);
            var options = new GenerationOptions { MaxTokens = 12, Temperature = 2, RepetitionPenalty = 1.1 };
            foreach (bool training in new[] { true, false })
            {
                model.train(training);
                Keeps(model, () =>
                {
                    using var state = model.StartDecoding();
                    for (int token = 0; token < 9; token++)
                        model.Decode(Ids(1 + (token / 7), length: 1 + (token % 3))[..1], state);
                });
                Keeps(model, () => new TextGenerator(model, TokenizerSamples.Small).Generate("the quick fox", options));
                Keeps(model, () => new TextScorer(model, TokenizerSamples.Small, 8).Score("the quick brown fox jumps over the lazy dog"));
                Keeps(model, () => model.call(Ids(), Mask()));
                Keeps(model, () =>
                {
                    var loss = model.Loss(Ids(), Mask(), 0.1);
                    (loss.Mean + loss.AuxiliaryLoss).backward();
                    model.zero_grad();
                });
                Keeps(model, () => ModuleWeights.Save(model, Stream.Null));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Aggregations))]
    public void Aggregation_KeepsItsWeights(AggregationKind aggregation)
    {
        foreach (var attention in new[] { AttentionKind.Maha, AttentionKind.MahaReference })
        {
            if (aggregation == AggregationKind.ReferenceNash && attention == AttentionKind.Maha)
                continue;
            using var encoder = new MahaEncoder((Options(attention) with { Dropout = 0 }).With(aggregation: aggregation));
            Keeps(encoder, () =>
            {
                var result = encoder.call(Ids(), MixingContext.Unpadded);
                (result.Features.sum() + result.AuxiliaryLoss).backward();
                encoder.zero_grad();
            });
            Keeps(encoder, () =>
            {
                using var noGradient = no_grad();
                encoder.call(Ids(), MixingContext.Unpadded);
            });
        }
    }

    [Fact]
    public void Conversion_KeepsTheWeightsOfBoth()
    {
        using var classifier = new MahaSequenceClassifier(Options(AttentionKind.Full), 3);
        classifier.eval();
        var trees = new HsaConversionOptions { Branching = 4 };
        Keeps(classifier, () => HsaConversion.Measure(classifier.Encoder, [(Ids(), new MixingContext { KeyPaddingMask = Mask() })], trees));
        Keeps(classifier, () => HsaConversion.SwapInOrder(classifier, [(Ids(), MixingContext.Unpadded)], _ => 1, trees));
        MahaSequenceClassifier? swapped = null;
        MahaEncoder? encoder = null;
        Keeps(classifier, () => (swapped, encoder) = (HsaConversion.Swap(classifier, [0], trees), HsaConversion.Swap(classifier.Encoder, [1], trees)));
        using (swapped)
            AssertWeights(WeightsOf(classifier), swapped!);
        using (encoder)
            AssertWeights(WeightsOf(classifier.Encoder), encoder!);
    }

    [Fact]
    public void DocumentEncoder_KeepsItsWeights()
    {
        using var documents = TokenizedDataset.FromTokenIds(Enumerable.Range(0, 8).Select(i => Enumerable.Range(i, 20).Select(id => id % s_v).ToArray()));
        using var encoder = new MahaDocumentEncoder(Options(AttentionKind.Maha) with { Pooling = PoolingKind.Attentive },
            new DocumentVectorParts { SpectralDim = 4, NumPairBuckets = 32, BeginningTokens = 5 });
        Alive(encoder, () => encoder.FitSpectral(documents, 1));
        Alive(encoder, encoder.InitializeFromSpectral);
        Alive(encoder, () => encoder.FitScale(documents));
        Alive(encoder, () => new Trainer(Training).Train(new EncoderPretrainingTask(encoder), documents));
        Keeps(encoder, () => encoder.call(Ids(), Mask()));
    }

    [Fact]
    public void Training_KeepsTheWeights()
    {
        using var documents = TokenizedDataset.FromTokenIds(Enumerable.Range(0, 12).Select(i => (Enumerable.Range(i, 10).ToArray(), i % 3)));
        using var classifier = new MahaSequenceClassifier(Options(AttentionKind.Maha), 3);
        Alive(classifier, () => new Trainer(Training).Train(new SequenceClassificationTask(classifier, 3), documents, documents));
        using var model = new MahaLanguageModel(Options(AttentionKind.HsaCausal));
        Alive(model, () => new Trainer(Training with { ValidationFraction = 0 }).Train(new LanguageModelingTask(model), documents));
    }

    private static TrainingOptions Training => new() { NumberOfEpochs = 2, TokensPerBatch = 64, ValidationFraction = 0, Seed = 1 };

    private static MahaTransformerOptions Options(AttentionKind attention) => new MahaTransformerOptions
    {
        VocabSize = s_v,
        MaxSequenceLength = 32,
        DModel = 12,
        NumHeads = 3,
        NumLayers = 2,
        FeedForwardDim = 20,
        Dropout = 0.1,
    }.With(
        attention: attention,
        window: 4,
        branching: 3,
        numScales: 2,
        aggregation: attention == AttentionKind.MahaReference ? AggregationKind.Softmax : AggregationKind.Convex);

    private static Tensor Ids(int seed = 1, int length = 12) => RandomIds(seed, s_v - 1, 2, length);

    private static Tensor Mask() => stack([arange(12).ge(12), arange(12).ge(7)], 0);

    /// <summary>Runs an operation in a scope that ends. Afterward the weights must exist and have the same values.</summary>
    private static void Keeps(nn.Module module, Action operation)
    {
        var before = WeightsOf(module);
        Alive(module, operation);
        AssertWeights(before, module);
    }

    private static void Alive(nn.Module module, Action operation)
    {
        var names = module.state_dict().Keys.Order();
        using (NewDisposeScope())
            operation();
        AssertWhole(module);
        Assert.Equal(names, module.state_dict().Keys.Order());
    }

    private static void AssertWhole(nn.Module module)
    {
        ModuleWeights.RequireAlive(module);
        foreach (var weight in module.state_dict().Values)
            ToArray(weight);
    }

    private static Dictionary<string, double[]> WeightsOf(nn.Module module) => module.state_dict().ToDictionary(pair => pair.Key, pair => ToArray(pair.Value));

    private static void AssertWeights(Dictionary<string, double[]> expected, nn.Module module)
    {
        AssertWhole(module);
        var actual = WeightsOf(module);
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        Assert.All(expected, pair => Assert.Equal(pair.Value, actual[pair.Key]));
    }
}
