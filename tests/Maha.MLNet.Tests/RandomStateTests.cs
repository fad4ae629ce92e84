using Maha.Layers.Attention;
using Maha.Layers.Generation;
using Maha.Layers.Models;
using Maha.Layers.Swap;
using Maha.MLNet.Classification;
using Maha.MLNet.LanguageModel;
using Maha.MLNet.MultiLabel;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using static TorchSharp.torch;

namespace Maha.MLNet.Tests;

/// <summary>A program that seeds torch's generator draws the same numbers, whatever it does with models in between.</summary>
[Collection(AloneCollection.Name)]
public sealed class RandomStateTests : IDisposable
{
    private readonly MLContext _mlContext = new(1);
    private readonly SmallModels _models = new();

    public void Dispose() => _models.Dispose();

    public static TheoryData<string> Kinds => SmallModels.Kinds;

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Models_LeaveTheRandomStateAlone(string kind)
    {
        var data = _models.DataOf(kind);
        string zip = Path.Combine(_models.Folder, "model.zip"), weights = Path.Combine(_models.Folder, "model.weights");
        using var model = Undisturbed("Fit", () => _models.Fit(kind, data));
        Undisturbed("Transform", () => Rows.Of(model.Transform(data)));
        Undisturbed("Save", () => _mlContext.Model.Save(model, data.Schema, zip));
        Undisturbed("SaveWeights", () => model.SaveWeights(weights));
        Undisturbed("Load", () => ((IDisposable)_mlContext.Model.Load(zip, out _)).Dispose());
        Undisturbed("LoadSafely", () => ((IDisposable)_mlContext.Model.LoadSafely(zip, out _)).Dispose());
        if (kind is "classifier" or "windowed classifier" or "encoder" or "windowed encoder")
        {
            Undisturbed("Fit that starts from the zip", () => _models.Fit(kind, data, zip).Dispose());
            Undisturbed("Fit that starts from the weights", () => _models.Fit(kind, data, weights).Dispose());
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
        var data = _models.DataOf("classifier");
        using var stream = new MemoryStream();
        using (var model = _models.Fit("classifier", data))
            _mlContext.Model.Save(model, data.Schema, stream);
        byte[] zip = stream.ToArray();
        Undisturbed("Load", () => Parallel.For(0, 100, new ParallelOptions { MaxDegreeOfParallelism = 8 }, _ =>
        {
            using var copy = new MemoryStream(zip);
            ((IDisposable)new MLContext(1).Model.Load(copy, out var _)).Dispose();
        }));
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
