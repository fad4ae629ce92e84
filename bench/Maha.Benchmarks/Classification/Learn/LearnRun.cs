using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Maha.Benchmarks.Classification;

/// <summary>One training and its evaluation.</summary>
internal static class LearnRun
{
    /// <summary>Trains a variant and evaluates it on the test documents.</summary>
    public static Judgment Judge(LearnVariant variant, IReadOnlyList<LabeledDocument> training,
        IReadOnlyList<LabeledDocument> testing, int seed, int longWords, bool cuda, bool verbose)
    {
        var mlContext = new MLContext(seed) { GpuDeviceId = cuda ? 0 : null, FallbackToCpu = false };
        mlContext.Log += (_, message) =>
        {
            if (message.Kind == ChannelMessageKind.Warning || (verbose && message.Kind == ChannelMessageKind.Info))
                Console.Error.WriteLine($"# {variant.Name} seed {seed}: {message.RawMessage}");
        };
        PeakMemory.Reset();
        var watch = Stopwatch.StartNew();
        using var model = Pipeline(mlContext, variant).Fit(View(mlContext, variant, training));
        double seconds = watch.Elapsed.TotalSeconds;
        double peak = PeakMemory.Read() ?? double.NaN;

        watch.Restart();
        var scored = model.Transform(View(mlContext, variant, testing));
        VBuffer<ReadOnlyMemory<char>> names = default;
        scored.Schema["PredictedLabel"].GetKeyValues(ref names);
        string[] labels = [.. names.DenseValues().Select(name => name.ToString())];
        var predictions = mlContext.Data.CreateEnumerable<Prediction>(scored, reuseRowObject: true).Select(row => (row.Predicted, row.Score));
        var judgment = Judgment.Evaluate(testing, labels, predictions, longWords);
        return judgment with { Seconds = seconds, PredictSeconds = watch.Elapsed.TotalSeconds, PeakMegabytes = peak };
    }

    private static IEstimator<TransformerChain<ITransformer>> Pipeline(MLContext mlContext, LearnVariant variant)
    {
        var keys = mlContext.Transforms.Conversion.MapValueToKey("Label");
        var names = mlContext.Transforms.Conversion.MapKeyToValue("PredictedName", "PredictedLabel");
        return variant.IsBaseline
            ? new EstimatorChain<ITransformer>().Append(keys)
                .Append(mlContext.Transforms.Text.FeaturizeText("Features", "Text")).AppendCacheCheckpoint(mlContext)
                .Append(mlContext.MulticlassClassification.Trainers.SdcaMaximumEntropy()).Append<ITransformer>(names)
            : new EstimatorChain<ITransformer>().Append(keys)
                .Append(mlContext.MulticlassClassification.Trainers.MahaTextClassification(variant.CreateOptions()))
                .Append<ITransformer>(names);
    }

    // FeaturizeText ends words at blanks only. It is given the line of the file, where every word has blanks around it;
    // with line breaks in their place the last and the first word of two lines would be one.
    private static IDataView View(MLContext mlContext, LearnVariant variant, IReadOnlyList<LabeledDocument> documents)
        => mlContext.Data.LoadFromEnumerable(
            documents.Select(document => new Row { Label = document.Label, Text = variant.IsBaseline ? document.Field : document.Text }));

    /// <summary>A row for training and prediction.</summary>
    private sealed class Row
    {
        public string Label { get; set; } = "";

        public string Text { get; set; } = "";
    }

    /// <summary>The columns of a prediction that are read.</summary>
    private sealed class Prediction
    {
        [ColumnName("PredictedName")]
        public string Predicted { get; set; } = "";

        public float[] Score { get; set; } = [];
    }
}
