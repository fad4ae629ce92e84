using Maha.Layers.Attention;
using Maha.Layers.Generation;
using Maha.Layers.Models;
using Maha.Layers.Swap;
using Maha.MLNet.Classification;
using Maha.MLNet.LanguageModel;
using Maha.MLNet.MultiLabel;
using Maha.MLNet.Tests.LanguageModel;
using Maha.MLNet.Tests.MultiLabel;
using Maha.MLNet.Tests.TextEncoding;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using static TorchSharp.torch;

namespace Maha.MLNet.Tests;

/// <summary>A program that seeds torch's generator draws the same numbers, whatever it does with models in between.</summary>
[Collection(AloneCollection.Name)]
public sealed class RandomStateTests : IDisposable
{
    private readonly MLContext _mlContext = new(1);
    private readonly string _folder = SmallBert.WriteFolder();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string> Kinds => ["classifier", "binary", "several labels", "encoder", "language model", "windowed classifier", "windowed encoder"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Models_LeaveTheRandomStateAlone(string kind)
    {
        var data = DataOf(kind);
        string zip = Path.Combine(_folder, "model.zip"), weights = Path.Combine(_folder, "model.weights");
        using var model = Undisturbed("Fit", () => Fit(kind, data));
        Undisturbed("Transform", () => Rows.Of(model.Transform(data)));
        Undisturbed("Save", () => _mlContext.Model.Save(model, data.Schema, zip));
        Undisturbed("SaveWeights", () => model.SaveWeights(weights));
        Undisturbed("Load", () => ((IDisposable)_mlContext.Model.Load(zip, out _)).Dispose());
        Undisturbed("LoadSafely", () => ((IDisposable)_mlContext.Model.LoadSafely(zip, out _)).Dispose());
        if (kind is "classifier" or "windowed classifier" or "encoder" or "windowed encoder")
        {
            Undisturbed("Fit that starts from the zip", () => Fit(kind, data, zip).Dispose());
            Undisturbed("Fit that starts from the weights", () => Fit(kind, data, weights).Dispose());
        }
        var conversion = new HsaConversionOptions();
        string[] texts = ["the cat near the dog", "some other thing"];
        switch (model)
        {
            case MahaTextClassificationTransformer classifier:
                Undisturbed("Explain", () => classifier.Explain(texts[0]));
                Undisturbed("WithAbstentionThreshold", () => classifier.WithAbstentionThreshold(0.7).Dispose());
                Undisturbed("SwapLayers", () => classifier.SwapLayers([0], conversion).Dispose());
                Undisturbed("RankLayers", () => classifier.RankLayers(texts, conversion));
                break;
            case MahaMultiLabelTextClassificationTransformer several:
                Undisturbed("SwapLayers", () => several.SwapLayers([0], conversion).Dispose());
                break;
            case MahaTextEncodingTransformer encoder:
                Undisturbed("SwapLayers", () => encoder.SwapLayers([0], conversion).Dispose());
                Undisturbed("RankLayers", () => encoder.RankLayers(texts, conversion));
                break;
            case MahaLanguageModelTransformer language:
                Undisturbed("Generate", () => language.Generate("the cat", new GenerationOptions { MaxTokens = 4 }));
                Undisturbed("Score", () => language.Score(texts[0]));
                break;
        }
    }

    [Fact]
    public void Conversions_LeaveTheRandomStateAlone()
    {
        var options = new MahaTransformerOptions { VocabSize = 30, DModel = 16, NumHeads = 2, NumLayers = 2, Attention = new FullOptions() };
        using var encoder = new MahaEncoder(options);
        using var classifier = new MahaSequenceClassifier(options, 2);
        var conversion = new HsaConversionOptions();
        Undisturbed("encoder", () => HsaConversion.Swap(encoder, [0], conversion).Dispose());
        Undisturbed("classifier", () => HsaConversion.Swap(classifier, [1], conversion).Dispose());
    }

    // A server loads its models on several threads.
    [Fact]
    public void ModelsThatAreLoadedAtTheSameTime_LeaveTheRandomStateAlone()
    {
        var data = DataOf("classifier");
        using var stream = new MemoryStream();
        using (var model = Fit("classifier", data))
            _mlContext.Model.Save(model, data.Schema, stream);
        byte[] zip = stream.ToArray();
        Undisturbed("Load", () => Parallel.For(0, 100, new ParallelOptions { MaxDegreeOfParallelism = 8 }, _ =>
        {
            using var copy = new MemoryStream(zip);
            ((IDisposable)new MLContext(1).Model.Load(copy, out var _)).Dispose();
        }));
    }

    private IDataView DataOf(string kind) => kind switch
    {
        "binary" => _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(30)),
        "several labels" => LabelToys.Keyed(_mlContext, LabelToys.Rows(30)),
        "encoder" or "windowed encoder" => _mlContext.Data.LoadFromEnumerable(Toys.Documents(30)),
        "language model" => LanguageToys.Data(_mlContext),
        _ => Toys.Keyed(_mlContext, Toys.Documents(30)),
    };

    // With dropout, and with standard attention, whose layers can be swapped.
    private MahaTransformer Fit(string kind, IDataView data, string? start = null)
    {
        string? pretrained = start ?? (kind.StartsWith("windowed", StringComparison.Ordinal) ? _folder : null);
        return kind switch
        {
            "binary" => Toys.BinaryTrainer(_mlContext, o => o.ValidationFraction = 0.2).Fit(data),
            "several labels" => LabelToys.Trainer(_mlContext, o => o.Attention = AttentionKind.Full).Fit(data),
            "encoder" => Encoders.Fit(_mlContext, data, o => (o.Attention, o.PretrainedModel) = (AttentionKind.Full, pretrained)),
            "windowed encoder" => _mlContext.Transforms.MahaEncode(new MahaTextEncodingEstimator.Options
            {
                OutputColumnName = "Features",
                InputColumnName = "Text",
                PretrainedModel = pretrained,
                NumberOfEpochs = 1,
                SpectralDim = 4,
                Seed = 7,
            }).Fit(data),
            "language model" => LanguageToys.Estimator(_mlContext).Fit(data),
            "windowed classifier" => _mlContext.MulticlassClassification.Trainers.MahaTextClassification(new MahaTextClassificationTrainer.Options
            {
                PretrainedModel = pretrained,
                NGrams = false,
                NumberOfEpochs = 1,
                Seed = 7,
            }).Fit(data),
            _ => Toys.Trainer(_mlContext, o => (o.NGrams, o.Attention, o.PretrainedModel) = (true, AttentionKind.Full, pretrained)).Fit(data),
        };
    }

    private static void Undisturbed(string name, Action use) => Undisturbed(name, () =>
    {
        use();
        return 0;
    });

    private static T Undisturbed<T>(string name, Func<T> use)
    {
        manual_seed(11);
        float[] expected = Draw();
        manual_seed(11);
        var result = use();
        Assert.True(expected.SequenceEqual(Draw()), $"{name} changes the numbers that torch's generator draws after it.");
        return result;
    }

    private static float[] Draw()
    {
        using var numbers = rand(4);
        return numbers.data<float>().ToArray();
    }
}
