using Maha.Layers.Swap;
using Maha.Layers.Trees;
using Maha.MLNet.Classification;
using Maha.MLNet.Tests.TextEncoding;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.Classification;

/// <summary>Trained models whose layers are swapped to hierarchical attention.</summary>
public sealed class LayerSwapTests : IDisposable
{
    private const int AllInOneBlock = 64;

    private static readonly HsaConversionOptions s_trees = new() { Branching = 3 };

    private readonly MLContext _mlContext = new(1);
    private readonly string _folder = SmallBert.WriteFolder();
    private readonly IDataView _data;

    public LayerSwapTests()
    {
        // Longer than a window of the encoder, and unlike in their lengths.
        _data = Toys.Keyed(_mlContext, [.. Toys.Documents(40).Select((document, i) => new Document
        {
            Label = document.Label,
            Text = string.Join(". ", Enumerable.Repeat(document.Text, 1 + (i % 4))),
        })]);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void NoLayers_ChangeNothing_AndOneBlockIsFullAttention(bool ngrams)
    {
        using var model = Fit(ngrams);
        var expected = Scores(model);
        using var same = model.SwapLayers([], s_trees);
        Assert.Equal(expected, Scores(same));
        using var oneBlock = model.SwapLayers([0, 1], new HsaConversionOptions { Branching = AllInOneBlock });
        Assert.Equal(expected.SelectMany(row => row), Scores(oneBlock).SelectMany(row => row), Rows.AreAlike);
        using var swapped = model.SwapLayers([0, 1], s_trees);
        Assert.NotEqual(expected, Scores(swapped));
        Assert.Equal(expected, Scores(model));
    }

    [Fact]
    public void SwappedClassifier_IsSavedAndLoaded_AndTrainedFurther()
    {
        string path = Path.Combine(_folder, "swapped.zip");
        List<float[]> expected;
        using (var model = Fit(ngrams: false))
        {
            using var swapped = model.SwapLayers([1], s_trees with { MaxSequenceLength = 60 });
            expected = Scores(swapped);
            _mlContext.Model.Save(swapped, _data.Schema, path);
        }
        var loaded = new MLContext(2).Model.Load(path, out _);
        Assert.Equal(expected, Scores(loaded));
        var again = Assert.IsType<MahaTextClassificationTransformer>(loaded);
        Assert.Contains("layer 1 has Hsa", Assert.ThrowsAny<ArgumentException>(() => again.SwapLayers([1], s_trees)).Message, StringComparison.Ordinal);
        again.Dispose();

        using var trained = Fit(ngrams: false, path);
        string continued = Path.Combine(_folder, "continued.zip");
        _mlContext.Model.Save(trained, _data.Schema, continued);
        string manifest = System.Text.Encoding.UTF8.GetString(new ModelZip(File.ReadAllBytes(continued))["Classifier.json"]);
        Assert.Contains("\"WindowLength\": 60", manifest, StringComparison.Ordinal);
        Assert.Contains("\"Attention\": \"Hsa\"", manifest, StringComparison.Ordinal);
    }

    // The positions of the small encoder end at 20.
    [Fact]
    public void LongWindows_ReadTheWholeDocument()
    {
        using var model = Fit(ngrams: false);
        using var longer = model.SwapLayers([0, 1], s_trees with { MaxSequenceLength = 200 });
        string text = string.Join(' ', Enumerable.Repeat("cat dog near the horse", 30));
        float[] scores = Scores(longer, text), changed = Scores(longer, text + " rain");
        Assert.NotEqual(scores, changed);
        Assert.Equal(1, scores.Sum(), 1e-4);
        // A short document has the trained positions.
        using var short20 = model.SwapLayers([0, 1], s_trees);
        Assert.Equal(Scores(short20, "cat dog"), Scores(longer, "cat dog"));
        Assert.NotEqual(Scores(short20, text), scores);
    }

    [Fact]
    public void Ranking_NamesEveryLayerOnce()
    {
        string[] texts = ["cat dog", "the hammer and the saw. the drill", "", string.Join(' ', Enumerable.Repeat("rain snow", 20))];
        using var model = Fit(ngrams: false);
        Assert.Equal([0, 1], model.RankLayers(texts, s_trees).Order());
        using var swapped = model.SwapLayers([0], s_trees);
        Assert.Equal([1], swapped.RankLayers(texts, s_trees));
        Assert.Contains("at least one batch", Assert.Throws<ArgumentException>(() => model.RankLayers([], s_trees)).Message, StringComparison.Ordinal);
        using var encoder = FitEncoder();
        Assert.Equal([0, 1], encoder.RankLayers(texts, s_trees).Order());
    }

    [Fact]
    public void Encoder_IsSwapped_SavedAndLoaded()
    {
        using var model = FitEncoder();
        string[] texts = ["the cat and the dog", string.Join(' ', Enumerable.Repeat("rain near the snow", 20)), ""];
        var expected = Encoders.Vectors(_mlContext, model, texts);
        using var same = model.SwapLayers([], s_trees);
        Assert.Equal(expected, Encoders.Vectors(_mlContext, same, texts));
        using var oneBlock = model.SwapLayers([0, 1], new HsaConversionOptions { Branching = AllInOneBlock });
        Assert.Equal(expected.SelectMany(row => row), Encoders.Vectors(_mlContext, oneBlock, texts).SelectMany(row => row), Rows.AreAlike);
        using var swapped = model.SwapLayers([0, 1], s_trees with { MaxSequenceLength = 100 });
        var vectors = Encoders.Vectors(_mlContext, swapped, texts);
        Assert.NotEqual(expected[1], vectors[1]);
        using var stream = new MemoryStream();
        _mlContext.Model.Save(swapped, _data.Schema, stream);
        stream.Position = 0;
        using var loaded = (MahaTextEncodingTransformer)new MLContext(2).Model.Load(stream, out _);
        Assert.Equal(vectors, Encoders.Vectors(_mlContext, loaded, texts));
    }

    [Fact]
    public void BinaryClassifier_KeepsItsThreshold()
    {
        var data = _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(40));
        var options = new MahaBinaryTextClassificationTrainer.Options { Threshold = (BinaryThreshold)0.3 };
        Choose(options, ngrams: false);
        using var model = _mlContext.BinaryClassification.Trainers.MahaTextClassification(options).Fit(data);
        using var swapped = model.SwapLayers(model.RankLayers(["cat dog", "rain"], s_trees).Take(1).ToArray(), s_trees);
        Assert.Equal(model.Threshold, swapped.Threshold);
        Assert.Equal(model.Temperature, swapped.Temperature);
        Assert.All(swapped.Transform(data).GetColumn<float>("Probability"), probability => Assert.InRange(probability, 0, 1));
    }

    [Fact]
    public void WrongUse_IsRefused()
    {
        var model = Fit(ngrams: false);
        Refused("2 layers", () => model.SwapLayers([2], s_trees));
        Refused("MaxSequenceLength must lie in [20,", () => model.SwapLayers([0], s_trees with { MaxSequenceLength = 19 }));
        Refused("Hierarchy must be Blocks", () => model.SwapLayers([0], s_trees with { Hierarchy = HierarchyKind.Document }));
        Assert.Throws<ArgumentNullException>(() => model.SwapLayers(null!, s_trees));
        Assert.Throws<ArgumentNullException>(() => model.SwapLayers([0], null!));
        Assert.Throws<ArgumentNullException>(() => model.RankLayers(null!, s_trees));
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.SwapLayers([0], s_trees));

        static void Refused(string message, Func<object> action) =>
            Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(action).Message, StringComparison.Ordinal);
    }

    private MahaTextClassificationTransformer Fit(bool ngrams, string? pretrained = null)
    {
        var options = new MahaTextClassificationTrainer.Options();
        Choose(options, ngrams);
        options.PretrainedModel = pretrained ?? _folder;
        return _mlContext.MulticlassClassification.Trainers.MahaTextClassification(options).Fit(_data);
    }

    private MahaTextEncodingTransformer FitEncoder()
    {
        var options = new MahaTextEncodingEstimator.Options
        {
            OutputColumnName = "Features",
            InputColumnName = "Text",
            PretrainedModel = _folder,
            SpectralDim = 6,
            NumPairBuckets = 64,
            BeginningTokens = 4,
            VocabSize = 300,
            Seed = 1,
        };
        return _mlContext.Transforms.MahaEncode(options).Fit(_data);
    }

    private void Choose(MahaClassifierOptions options, bool ngrams) =>
        (options.PretrainedModel, options.NGrams, options.NumberOfEpochs, options.LearningRate, options.Seed) = (_folder, ngrams, 2, 0.02, 1);

    private List<float[]> Scores(ITransformer model) => [.. model.Transform(_data).GetColumn<float[]>("Score")];

    private float[] Scores(ITransformer model, string text) =>
        model.Transform(_mlContext.Data.LoadFromEnumerable([new Document { Text = text }])).GetColumn<float[]>("Score").Single();
}
