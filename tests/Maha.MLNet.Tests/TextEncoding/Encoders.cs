using Maha.MLNet.TextEncoding;
using Microsoft.ML;

namespace Maha.MLNet.Tests.TextEncoding;

/// <summary>The smallest useful encoders.</summary>
internal static class Encoders
{
    public static MahaTextEncodingEstimator.Options Small(Action<MahaTextEncodingEstimator.Options>? change = null)
    {
        var options = new MahaTextEncodingEstimator.Options
        {
            OutputColumnName = "Features",
            InputColumnName = "Text",
            VocabSize = 320,
            MaxSequenceLength = 64,
            DModel = 16,
            NumLayers = 1,
            FeedForwardDim = 32,
            NumberOfEpochs = 1,
            ViewLength = 8,
            SpectralDim = 6,
            NumPairBuckets = 128,
            BeginningTokens = 5,
            Seed = 7,
        };
        change?.Invoke(options);
        Toys.ShrinkWindow(options);
        return options;
    }

    public static MahaTextEncodingTransformer Fit(MLContext mlContext, IDataView data, Action<MahaTextEncodingEstimator.Options>? change = null)
        => mlContext.Transforms.MahaEncode(Small(change)).Fit(data);

    /// <summary>Computes the vectors of texts, in order.</summary>
    public static List<float[]> Vectors(MLContext mlContext, ITransformer model, params string?[] texts)
    {
        var view = model.Transform(mlContext.Data.LoadFromEnumerable(texts.Select(text => new Document { Text = text })));
        return [.. mlContext.Data.CreateEnumerable<Encoded>(view, reuseRowObject: false, ignoreMissingColumns: true).Select(row => row.Features!)];
    }

    public sealed class Encoded
    {
        public float[]? Features { get; set; }
    }
}
