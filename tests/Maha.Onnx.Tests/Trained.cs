using Maha.MLNet;
using Maha.MLNet.Classification;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;

namespace Maha.Onnx.Tests;

/// <summary>Small models that are trained once for all tests of a class.</summary>
public sealed class Trained : IDisposable
{
    private static readonly string[][] s_words = [["cat", "dog", "otter"], ["hammer", "saw", "drill"], ["oak", "fern", "moss"]];

    private readonly Lazy<ITransformer> _multiclass;
    private readonly Lazy<ITransformer> _binary;
    private readonly Lazy<MahaTextEncodingTransformer> _encoder;

    public Trained()
    {
        _multiclass = new(() => ML.Transforms.Conversion.MapValueToKey("Label")
            .Append(ML.MulticlassClassification.Trainers.MahaTextClassification(Options(new MahaTextClassificationTrainer.Options())))
            .Append(ML.Transforms.Conversion.MapKeyToValue("Topic", "PredictedLabel")).Fit(ML.Data.LoadFromEnumerable(Rows)));
        _binary = new(() => ML.BinaryClassification.Trainers
            .MahaTextClassification(Options(
                new MahaBinaryTextClassificationTrainer.Options { Threshold = BinaryThreshold.BestF1, LabelColumnName = "IsAnimal" }))
            .Fit(ML.Data.LoadFromEnumerable(Rows)));
        _encoder = new(() => ML.Transforms.MahaEncode(EncoderOptions(pretrained: false)).Fit(ML.Data.LoadFromEnumerable(Rows)));
        // Some texts twice, so that the labels of copies count.
        Rows = [.. Enumerable.Range(0, 90).Select(i => new Row { Label = $"class {i % 3}", IsAnimal = i % 3 == 0, Text = Text(i % 60) })];
    }

    public MLContext ML { get; } = new(seed: 1);

    public Row[] Rows { get; }

    /// <summary>A chain around a classifier into three classes, with n-grams.</summary>
    public ITransformer Multiclass => _multiclass.Value;

    /// <summary>A classifier into two classes, with n-grams.</summary>
    public ITransformer Binary => _binary.Value;

    /// <summary>An encoder with spectral parts.</summary>
    public MahaTextEncodingTransformer Encoder => _encoder.Value;

    /// <summary>Texts that were not trained on, of different lengths; the first is empty, the last longer than the model reads.</summary>
    public static string[] Texts => ["", "cat", Text(2), .. Enumerable.Range(100, 8).Select(Text), Text(7) + "\n\n" + Text(8), RandomModels.Text(700, 5)];

    public static MahaTextEncodingEstimator.Options EncoderOptions(bool pretrained) => pretrained
        ? new()
        {
            OutputColumnName = "Vector",
            InputColumnName = "Text",
            SpectralDim = 8,
            NumPairBuckets = 64,
            VocabSize = 300,
            PretrainedModel = MahaPretrained.MiniLM,
        }
        : new()
        {
            OutputColumnName = "Vector",
            InputColumnName = "Text",
            SpectralDim = 8,
            NumPairBuckets = 64,
            BeginningTokens = 5,
            NormalizeLength = true,
            VocabSize = 300,
            DModel = 16,
            NumHeads = 2,
            NumLayers = 1,
            MaxSequenceLength = 256,
            NumberOfEpochs = 1,
        };

    public void Dispose()
    {
        foreach (var model in new[] { _multiclass, _binary })
        {
            if (model.IsValueCreated)
                (model.Value as IDisposable)?.Dispose();
        }
        if (_encoder.IsValueCreated)
            _encoder.Value.Dispose();
    }

    private static T Options<T>(T options) where T : MahaClassifierOptions
    {
        (options.VocabSize, options.DModel, options.NumHeads, options.NumLayers, options.MaxSequenceLength) = (300, 16, 2, 1, 256);
        (options.NumberOfEpochs, options.TokensPerBatch, options.ValidationFraction) = (4, 128, 0.3);
        return options;
    }

    private static string Text(int seed)
    {
        var random = new Random(seed);
        // A few words of other classes, so that the classes are not certain.
        return string.Join(' ', Enumerable.Range(0, 5 + (seed % 7)).Select(_ => s_words[random.Next(4) == 0 ? random.Next(3) : seed % 3][random.Next(3)]));
    }

    public sealed class Row
    {
        public string Label { get; set; } = "";

        public bool IsAnimal { get; set; }

        public string Text { get; set; } = "";
    }
}
