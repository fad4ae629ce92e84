using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Extensions.AI.Tests;

/// <summary>An encoder that is trained once, and its saved file.</summary>
public sealed class FittedEncoder : IDisposable
{
    private static readonly string[] s_words = ["cat", "dog", "otter", "hammer", "saw", "drill", "oak", "fern", "moss", "."];

    private readonly string _folder = Directory.CreateTempSubdirectory("maha-ai-").FullName;

    public FittedEncoder()
    {
        var rows = ML.Data.LoadFromEnumerable(Enumerable.Range(0, 60).Select(i => new Row { Text = Text(i, 12) }));
        Encoder = ML.Transforms.MahaEncode(new MahaTextEncodingEstimator.Options
        {
            OutputColumnName = "Features",
            InputColumnName = nameof(Row.Text),
            SpectralDim = 8,
            NumPairBuckets = 64,
            VocabSize = 300,
            DModel = 16,
            NumHeads = 2,
            NumLayers = 1,
            MaxSequenceLength = 512,
            NumberOfEpochs = 1,
        }).Fit(rows);
        Path = System.IO.Path.Combine(_folder, "encoder.zip");
        ML.Model.SaveSafely(Encoder, rows.Schema, Path);
    }

    public MLContext ML { get; } = new(seed: 1);

    public MahaTextEncodingTransformer Encoder { get; }

    public string Path { get; }

    /// <summary>Texts of several lengths; the first is empty, the last longer than a batch of short ones.</summary>
    public static string[] Texts => ["", "cat", .. Enumerable.Range(100, 40).Select(i => Text(i, 1 + (i % 30))), Text(7, 900)];

    /// <summary>The vectors of the transformer.</summary>
    public float[][] Vectors(string[] texts) =>
        [.. Encoder.Transform(ML.Data.LoadFromEnumerable(texts.Select(text => new Row { Text = text }))).GetColumn<float[]>("Features")];

    public static string Text(int seed, int words)
    {
        var random = new Random(seed);
        return string.Join(' ', Enumerable.Range(0, words).Select(_ => s_words[random.Next(s_words.Length)]));
    }

    public void Dispose()
    {
        Encoder.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    public sealed class Row
    {
        public string Text { get; set; } = "";
    }
}
