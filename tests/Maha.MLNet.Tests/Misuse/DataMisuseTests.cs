using Maha.Layers.Data;
using Maha.MLNet.Classification;
using Maha.MLNet.ModelFiles;
using Maha.TestData;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.Misuse;

/// <summary>Columns, rows, texts, paths and moments of cancellation that an estimator can't use, and texts that it must be able to use.</summary>
public sealed class DataMisuseTests
{
    private const string ManyKeysName = "2^31 keys";

    private static readonly Type[] s_noData = [typeof(InvalidOperationException)];
    private static readonly Type[] s_canceled = [typeof(OperationCanceledException)];
    private static readonly Type[] s_files =
        [typeof(IOException), typeof(UnauthorizedAccessException), typeof(MahaModelFileException), typeof(ArgumentException)];

    // A text of a megabyte without a space, and texts that are not valid UTF-16 or have no letters.
    private static readonly (string Name, string? Text)[] s_unusual =
    [
        ("null", null), ("empty", ""), ("white space", " \t\r\n\u00a0\u2028"), ("NUL", "\0\0\0"), ("control characters", "\u0001\u0007\u001b[0m\u007f\u0085"),
        ("lone high surrogate", "a\ud800"), ("lone low surrogate", "\udc00b"), ("surrogates in the wrong order", "\udc00\ud800"),
        ("marks that join nothing", "\u0301\u200d\u202e\ufeff\uffff"), ("one word of a megabyte", new string('x', 1_000_000)),
        ("one megabyte of line feeds", new string('\n', 1_000_000)), ("one megabyte of lone surrogates", new string('\ud800', 1_000_000)),
    ];

    [Fact]
    public void UnusableDataAndFiles_AreRefused_AndDoNotEndTheProcess() => ChildProgram.AssertEnds(FitUnusable);

    [Fact]
    public void UnusualTexts_AreLearnedFromAndPredicted() => ChildProgram.AssertEnds(FitUnusual, minutes: 6);

    private static void FitUnusable()
    {
        TorchSharp.torch.set_num_threads(1);
        var cases = new MisuseCases();
        string folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;
        try
        {
            foreach (var kind in EstimatorKind.All)
            {
                var context = new MLContext(1);
                var data = kind.Data(context, EstimatorKind.Rows);
                cases.Refuses($"{kind.Name}, no data", () => kind.Estimator(context).Fit(null!));
                cases.Refuses($"{kind.Name}, no schema", () => kind.Estimator(context).GetOutputSchema(null!));
                foreach (var (what, wrong) in WrongColumns(context, kind, data))
                {
                    cases.Refuses($"{kind.Name}, {what}", () => kind.Estimator(context).Fit(wrong));
                    // The shape of a schema does not have the number of keys.
                    if (what != ManyKeysName)
                        cases.Refuses($"{kind.Name}, {what}, schema", () => kind.Estimator(context).GetOutputSchema(EstimatorContract.Shape(wrong.Schema)));
                    if (kind.IsClassifier)
                    {
                        cases.Refuses(
                            $"{kind.Name}, {what} of the validation set",
                            () => kind.Estimator(context, options => ((MahaSupervisedOptions)options).ValidationSet = wrong).Fit(data));
                    }
                }
                FitUnusableRows(cases, context, kind);
                FitUnusableFiles(cases, context, kind, folder);
                using var canceled = new CancellationTokenSource();
                canceled.Cancel();
                cases.Refuses($"{kind.Name}, canceled", () => kind.Fit(context, options => options.CancellationToken = canceled.Token), s_canceled);
                // Some transforms of ML.NET wrap it.
                cases.Succeeds(
                    $"{kind.Name}, source that fails",
                    () => Assert.IsType<NotSupportedException>(Record.Exception(() => kind.Fit(context, rows: FailingRows()))?.GetBaseException()));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        cases.AssertGood(atLeast: 150);
    }

    private static void FitUnusableRows(MisuseCases cases, MLContext context, EstimatorKind kind)
    {
        var data = kind.Data(context, EstimatorKind.Rows);
        cases.Refuses($"{kind.Name}, no rows", () => kind.Fit(context, rows: []), [.. s_noData, typeof(ArgumentException)]);
        cases.Refuses($"{kind.Name}, rows that are filtered out", () => kind.Estimator(context).Fit(context.Data.SkipRows(data, 1000)), s_noData);
        cases.Refuses(
            $"{kind.Name}, documents that are too long",
            () => kind.Fit(context, options => (options.MaxSequenceLength, options.OverlongDocuments) = (4, OverlongDocuments.Throw)));
        if (kind.IsClassifier)
        {
            // A document of a multi-label classifier need not have a label.
            if (kind.Name != "multi-label")
            {
                cases.Refuses($"{kind.Name}, one class", () => kind.Fit(context, rows: EstimatorKind.Rows.Where(row => row.Topic == 0)), s_noData);
                cases.Refuses($"{kind.Name}, one class of two", () => kind.Estimator(context).Fit(context.Data.TakeRows(data, 1)), s_noData);
            }
            cases.Refuses(
                $"{kind.Name}, empty validation set",
                () => kind.Estimator(context, options => ((MahaSupervisedOptions)options).ValidationSet = context.Data.SkipRows(data, 1000)).Fit(data), s_noData);
            cases.Succeeds($"{kind.Name}, empty texts", () => AssertFinite(kind, context, EmptyTexts()));
        }
        else if (kind.Name == "language model")
        {
            cases.Refuses($"{kind.Name}, empty texts", () => kind.Fit(context, rows: EmptyTexts()), s_noData);
        }
        else
        {
            cases.Succeeds($"{kind.Name}, empty texts", () =>
            {
                var warnings = Warnings.Of(context);
                AssertFinite(kind, context, EmptyTexts());
                Assert.Contains("No document has tokens to learn from: the encoder keeps its initial weights.", warnings);
            });
        }
    }

    private static void FitUnusableFiles(MisuseCases cases, MLContext context, EstimatorKind kind, string folder)
    {
        string file = Path.Combine(folder, "file.txt");
        File.WriteAllText(file, "not a model");
        string empty = Directory.CreateDirectory(Path.Combine(folder, "empty")).FullName;
        foreach (string path in new[] { "", " ", "\0", file, Path.Combine(file, "below"), Path.Combine(folder, new string('n', 5000)) })
        {
            cases.Refuses(
                $"{kind.Name}, checkpoints in '{path[..Math.Min(path.Length, 80)]}'", () => kind.Fit(context, options => options.CheckpointPath = path),
                [typeof(ArgumentException), typeof(IOException)]);
        }
        if (kind.Options().GetType().GetProperty("PretrainedModel") is not { } pretrained)
            return;
        foreach (string path in new[] { "", " ", "\0", file, empty, Path.Combine(folder, "missing"), Path.Combine(folder, "missing.zip"), Path.Combine(folder, "a.onnx") })
        {
            cases.Refuses(
                $"{kind.Name}, pretrained model '{path}'", () => kind.Fit(context, options => pretrained.SetValue(options, (PretrainedSource)path!)), s_files);
        }
    }

    private static void FitUnusual()
    {
        TorchSharp.torch.set_num_threads(1);
        var cases = new MisuseCases();
        foreach (var kind in EstimatorKind.All)
        {
            var context = new MLContext(1);
            foreach (var (name, text) in s_unusual)
            {
                // As one of many, which is learned from and predicted, and as all of the texts.
                cases.Succeeds($"{kind.Name}, {name}", () => AssertFinite(kind, context, [.. EstimatorKind.Rows, (0, text), (1, text)], mayBeMissing: string.IsNullOrEmpty(text)));
            }
            cases.Ends(
                $"{kind.Name}, unusual texts alone",
                () => kind.Fit(context, rows: s_unusual.Where(row => row.Text?.Length < 100).SelectMany(row => new[] { (0, row.Text), (1, row.Text) })).Dispose());
        }
        cases.AssertGood(atLeast: 60);
    }

    private static void AssertFinite(EstimatorKind kind, MLContext context, IReadOnlyList<(int Topic, string? Text)> rows, bool mayBeMissing = false)
    {
        using var model = kind.Fit(context, rows: rows);
        // The log-likelihood of no text is a missing value.
        Assert.All(
            kind.Numbers(context, model, rows),
            number => Assert.True(float.IsFinite(number) || (mayBeMissing && kind.Name == "language model" && float.IsNaN(number)), $"predicts {number}"));
    }

    private static (int Topic, string? Text)[] EmptyTexts() => [.. Enumerable.Range(0, 8).Select(i => (i % 2, i % 3 == 0 ? null : ""))];

    private static IEnumerable<(int Topic, string? Text)> FailingRows()
    {
        foreach (var row in EstimatorKind.Rows.Take(5))
            yield return row;
        throw new NotSupportedException("The source must be read to the end, but fails. Mend it.");
    }

    private static IEnumerable<(string What, IDataView Data)> WrongColumns(MLContext context, EstimatorKind kind, IDataView data)
    {
        foreach (string column in kind.ReadColumns.Values)
            yield return ($"no column {column}", context.Transforms.DropColumns(column).Fit(data).Transform(data));
        foreach (var wrong in kind.Name == "binary"
            ? new[] { WrongText<float, bool>(), WrongText<bool, bool>(), WrongText<DateTime, bool>(), WrongText<string[], bool>(), WrongText<float[], bool>() }
            : [WrongText<float, string>(), WrongText<bool, string>(), WrongText<DateTime, string>(), WrongText<string[], string>(), WrongText<float[], string>()])
        {
            yield return wrong;
        }
        if (!kind.IsClassifier)
            yield break;
        var labels = new List<(string, IDataView)> { WrongLabel<float>(), WrongLabel<string>(), WrongLabel<DateTime>(), WrongLabel<ulong>(), WrongLabel<float[]>() };
        if (kind.Name != "binary")
            labels.Add(WrongLabel<bool>());
        foreach (var wrong in labels)
            yield return wrong;
        yield return ("keys of 64 bits", context.Data.LoadFromEnumerable([new LongKey { Label = 1, Text = "a" }, new LongKey { Label = 2, Text = "b" }]));
        yield return (ManyKeysName, context.Data.LoadFromEnumerable([new ManyKeys { Label = 1, Text = "a" }, new ManyKeys { Label = 2, Text = "b" }]));

        (string, IDataView) WrongText<TText, TLabel>()
        {
            var view = context.Data.LoadFromEnumerable(Enumerable.Range(0, 12).Select(_ => new Row<TText, TLabel>()));
            if (kind.Name.StartsWith("multiclass", StringComparison.Ordinal))
                view = context.Transforms.Conversion.MapValueToKey("Label").Fit(view).Transform(view);
            return ($"texts of type {typeof(TText)}", view);
        }

        (string, IDataView) WrongLabel<TLabel>() =>
            ($"labels of type {typeof(TLabel)}", context.Data.LoadFromEnumerable(Enumerable.Range(0, 12).Select(_ => new Row<string, TLabel> { Text = "a" })));
    }

    private sealed class Row<TText, TLabel>
    {
        public TText Text { get; set; } = default!;

        public TLabel Label { get; set; } = default!;
    }

    private sealed class LongKey
    {
        [KeyType(3)]
        public ulong Label { get; set; }

        public string? Text { get; set; }
    }

    private sealed class ManyKeys
    {
        [KeyType(int.MaxValue)]
        public uint Label { get; set; }

        public string? Text { get; set; }
    }
}
