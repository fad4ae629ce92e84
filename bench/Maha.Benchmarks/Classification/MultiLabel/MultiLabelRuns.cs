using System.Diagnostics;
using Maha.MLNet;
using Maha.MLNet.MultiLabel;
using Maha.Samples.Data.ManualPages;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Maha.Benchmarks.Classification;

/// <summary>Trainings of multi-label classifiers on one split.</summary>
/// <param name="training">The documents to train on.</param>
/// <param name="testing">The documents to test on.</param>
/// <param name="labels">The labels, in ordinal order.</param>
/// <param name="verbose">Whether the log is written to the error stream.</param>
internal sealed class MultiLabelRuns(IReadOnlyList<LabeledDocument> training, IReadOnlyList<LabeledDocument> testing, string[] labels, bool verbose)
{
    // What Maha's trainer sets apart to choose its thresholds.
    private const int ValidationPart = 10;

    /// <summary>Trains Maha's classifier.</summary>
    public (MultiLabelMetrics Metrics, double Seconds) Maha(int seed, PretrainedSource? pretrained, double minutes)
    {
        var mlContext = CreateContext(seed);
        var watch = Stopwatch.StartNew();
        using var model = mlContext.MulticlassClassification.Trainers.MahaMultiLabelTextClassification(new MahaMultiLabelTextClassificationTrainer.Options
        {
            LabelSeparator = PageTask.LabelSeparator.ToString(),
            PretrainedModel = pretrained,
            MaxTrainingTime = minutes > 0 ? TimeSpan.FromMinutes(minutes) : null,
        }).Fit(mlContext.Data.LoadFromEnumerable(training.Select(document => new Row { Label = document.Label, Text = document.Text })));
        double seconds = watch.Elapsed.TotalSeconds;
        var scored = model.Transform(mlContext.Data.LoadFromEnumerable(testing.Select(document => new Row { Label = document.Label, Text = document.Text })));
        return (mlContext.MulticlassClassification.MahaEvaluateMultiLabel(scored, labelSeparator: PageTask.LabelSeparator.ToString()), seconds);
    }

    /// <summary>Trains one binary classifier per label over <c>FeaturizeText</c>.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="withThresholds">
    /// Whether a tenth of the training documents chooses the thresholds by F1, by the rule of Maha's trainer; otherwise all are one half.
    /// </param>
    public (MultiLabelMetrics Metrics, double Seconds) OneAgainstAll(int seed, bool withThresholds)
    {
        var mlContext = CreateContext(seed);
        var watch = Stopwatch.StartNew();
        int[] order = [.. Enumerable.Range(0, training.Count)];
        new Random(seed).Shuffle(order);
        int numValidating = withThresholds ? training.Count / ValidationPart : 0;
        LabeledDocument[] validating = [.. order[..numValidating].Select(row => training[row])];
        LabeledDocument[] fitted = [.. order[numValidating..].Select(row => training[row])];

        // FeaturizeText ends words at blanks only: it is given the line of the file, where every word has blanks around it.
        var featurizer = mlContext.Transforms.Text.FeaturizeText("Features", "Text");
        var texts = View(mlContext, fitted);
        var features = featurizer.Fit(texts);
        var cached = mlContext.Data.Cache(features.Transform(texts));
        var validation = mlContext.Data.Cache(features.Transform(View(mlContext, validating)));
        var test = mlContext.Data.Cache(features.Transform(View(mlContext, testing)));
        float[][] ofValidation = Empty(validating.Length), ofTest = Empty(testing.Count);
        for (int l = 0; l < labels.Length; l++)
        {
            bool[] isLabel = [.. fitted.Select(document => LabelsOf(document).Contains(l))];
            var labeled = mlContext.Transforms.CustomMapping<IndexRow, LabelRow>((row, target) => target.Label = isLabel[row.Index], contractName: null)
                .Fit(cached).Transform(cached);
            var model = mlContext.BinaryClassification.Trainers.SdcaLogisticRegression().Fit(labeled);
            Write(model.Transform(validation), ofValidation, l);
            Write(model.Transform(test), ofTest, l);
        }
        double[] thresholds = withThresholds
            ? LabelThresholds.Choose(ofValidation, [.. validating.Select(LabelsOf)], null) : [.. labels.Select(_ => 0.5)];
        double seconds = watch.Elapsed.TotalSeconds;
        return (MultiLabelMetrics.Create(ofTest, thresholds, [.. testing.Select(LabelsOf)], null, labels), seconds);

        float[][] Empty(int count) => [.. Enumerable.Range(0, count).Select(_ => new float[labels.Length])];

        // The scores of the trainer are log odds.
        void Write(IDataView scored, float[][] odds, int label)
        {
            foreach (var row in mlContext.Data.CreateEnumerable<ScoreRow>(scored, reuseRowObject: true))
                odds[row.Index][label] = row.Score;
        }
    }

    private MLContext CreateContext(int seed)
    {
        var mlContext = new MLContext(seed);
        mlContext.Log += (_, message) =>
        {
            bool isMaha = message.Kind == ChannelMessageKind.Warning || message.Kind == ChannelMessageKind.Info;
            if (verbose && isMaha && message.Source.StartsWith("Maha", StringComparison.Ordinal))
                Console.Error.WriteLine($"# seed {seed}: {message.RawMessage}");
        };
        return mlContext;
    }

    private int[] LabelsOf(LabeledDocument document) =>
        [.. document.Label.Split(PageTask.LabelSeparator).Select(name => Array.BinarySearch(labels, name, StringComparer.Ordinal)).Where(label => label >= 0)];

    private static IDataView View(MLContext mlContext, IReadOnlyList<LabeledDocument> documents) =>
        mlContext.Data.LoadFromEnumerable(documents.Select((document, index) => new TextRow { Index = index, Text = document.Field }));

    private sealed class Row
    {
        public string Label { get; set; } = "";

        public string Text { get; set; } = "";
    }

    private sealed class TextRow
    {
        public int Index { get; set; }

        public string Text { get; set; } = "";
    }

    private sealed class IndexRow
    {
        public int Index { get; set; }
    }

    private sealed class LabelRow
    {
        public bool Label { get; set; }
    }

    private sealed class ScoreRow
    {
        public int Index { get; set; }

        [ColumnName("Score")]
        public float Score { get; set; }
    }
}
