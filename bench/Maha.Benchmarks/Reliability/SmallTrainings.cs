using Maha.MLNet;
using Maha.MLNet.Classification;
using Maha.MLNet.LanguageModel;
using Maha.MLNet.MultiLabel;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;

namespace Maha.Benchmarks.Reliability;

/// <summary>Small trainings of every estimator, which take some seconds.</summary>
internal static class SmallTrainings
{
    private const int NumDocuments = 240;
    private const int LongText = 250;
    private static readonly string[] s_labels = ["red", "green", "blue"];

    private static readonly Dictionary<string, Func<MLContext, Action<MahaEstimatorOptions>, (ITransformer Model, IDataView Data)>> s_trainings = new()
    {
        ["multiclass"] = (context, change) => Classify(context, change, ngrams: true),
        ["network"] = (context, change) => Classify(context, change, ngrams: false),
        ["binary"] = (context, change) =>
        {
            var options = Shrink(new MahaBinaryTextClassificationTrainer.Options { LabelColumnName = nameof(Row.IsRed) }, change);
            var data = Documents(context);
            return (context.BinaryClassification.Trainers.MahaTextClassification(options).Fit(data), data);
        },
        ["multi-label"] = (context, change) =>
        {
            var options = Shrink(
                new MahaMultiLabelTextClassificationTrainer.Options { LabelColumnName = nameof(Row.Topics), LabelSeparator = ";" }, change);
            var data = Documents(context);
            return (context.MulticlassClassification.Trainers.MahaMultiLabelTextClassification(options).Fit(data), data);
        },
        ["encoder"] = (context, change) =>
        {
            var options = Shrink(
                new MahaTextEncodingEstimator.Options { OutputColumnName = "Features", InputColumnName = nameof(Row.Text), SpectralDim = 16 }, change);
            var data = Documents(context);
            return (context.Transforms.MahaEncode(options).Fit(data), data);
        },
        ["language-model"] = (context, change) =>
        {
            var options = Shrink(new MahaLanguageModelEstimator.Options { InputColumnName = nameof(Row.Text) }, change);
            var data = Documents(context);
            return (context.Transforms.MahaLanguageModel(options).Fit(data), data);
        },
    };

    /// <summary>The names of the trainings.</summary>
    public static IReadOnlyCollection<string> Names => s_trainings.Keys;

    /// <summary>The name of the folder of checkpoints.</summary>
    public const string CheckpointFolder = "checkpoints";

    /// <summary>Adds frequent checkpoints to the options of a training.</summary>
    /// <param name="options">The options.</param>
    /// <param name="folder">The folder of the training.</param>
    public static void AddCheckpoints(MahaEstimatorOptions options, string folder) =>
        (options.CheckpointPath, options.CheckpointInterval) = (Path.Combine(folder, CheckpointFolder), TimeSpan.FromMilliseconds(50));

    /// <summary>Trains.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="context">The context.</param>
    /// <param name="change">Changes the options.</param>
    /// <returns>The model, which the caller disposes, and the data.</returns>
    public static (ITransformer Model, IDataView Data) Fit(string name, MLContext context, Action<MahaEstimatorOptions> change) =>
        s_trainings[name](context, change);

    /// <summary>Returns documents of three classes.</summary>
    public static IDataView Documents(MLContext context, int seed = 7)
    {
        var random = new Random(seed);
        return context.Data.LoadFromEnumerable(Enumerable.Range(0, NumDocuments).Select(i =>
        {
            int label = i % s_labels.Length;
            var words = Enumerable.Range(0, 1 + random.Next(120)).Select(_ => (random.Next(12), random.Next(40)) switch
            {
                (0, int word) => $"{s_labels[label]}{word % 3}",
                (1, int word) => $"caf\u00e9{word}.",
                (2, _) => "end.\n\nNext",
                (_, int word) => $"w{word}",
            });
            string text = string.Join(' ', words);
            return new Row { Label = s_labels[label], Topics = text.Length > LongText ? $"{s_labels[label]};long" : s_labels[label], IsRed = label == 0, Text = text };
        }).ToList());
    }

    private static (ITransformer Model, IDataView Data) Classify(MLContext context, Action<MahaEstimatorOptions> change, bool ngrams)
    {
        var options = Shrink(new MahaTextClassificationTrainer.Options { NGrams = ngrams }, change);
        var data = Documents(context);
        var keys = context.Transforms.Conversion.MapValueToKey(nameof(Row.Label));
        return (keys.Append(context.MulticlassClassification.Trainers.MahaTextClassification(options)).Fit(data), data);
    }

    private static TOptions Shrink<TOptions>(TOptions options, Action<MahaEstimatorOptions> change) where TOptions : MahaEstimatorOptions
    {
        (options.DModel, options.NumHeads, options.NumLayers, options.MaxSequenceLength) = (32, 2, 1, 128);
        (options.VocabSize, options.TokensPerBatch, options.NumberOfEpochs, options.EarlyStoppingPatience) = (600, 1024, 4, null);
        options.ValidationFraction = 0.2;
        change(options);
        return options;
    }

    /// <summary>A document.</summary>
    public sealed class Row
    {
        public string Label { get; set; } = "";

        public string Topics { get; set; } = "";

        public bool IsRed { get; set; }

        public string Text { get; set; } = "";
    }
}
