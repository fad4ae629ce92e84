using System.Diagnostics;
using System.Globalization;
using Maha.Benchmarks.TextEncoding;
using Maha.MLNet;
using Maha.MLNet.Classification;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.Data;
using TorchSharp;

namespace Maha.Benchmarks.Classification;

/// <summary>
/// <c>predict [--words N...] [--total-words N] [--models M...] [--rounds R] [--threads T] [--data FILE]</c>: documents per second of small models'
/// predictions, one row at a time, as a prediction engine makes them, and by the cursor of a transformed view, which looks ahead; both in turn, the best of
/// the rounds.
/// </summary>
internal static class PredictCommand
{
    /// <summary>The command's arguments, as the help shows them.</summary>
    public const string Arguments = "[--words N...] [--total-words N] [--models M...] [--rounds R] [--threads T] [--data FILE]";

    private const int NumClasses = 4;
    private const int TrainingDocuments = 1000;
    private const int TrainingWords = 200;
    private const int MinDocuments = 8;
    private const int MaxWords = 2_000_000;

    // Long enough for a tokenizer and n-grams of a million characters; the speed of the network does not depend on its weights.
    private static readonly TimeSpan s_trainingTime = TimeSpan.FromSeconds(1);

    // The name of a model, how it is trained, and the column that is read.
    private static readonly (string Name, Func<MLContext, IDataView, MahaTransformer> Fit, string Column)[] s_models =
    [
        ("classifier", (mlContext, data) => Classifier(mlContext, data, ngrams: true), "Score"),
        ("network", (mlContext, data) => Classifier(mlContext, data, ngrams: false), "Score"),
        ("encoder", Encoder, "Features"),
        ("segments", Encoder, "Segments"),
    ];

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        var lengths = reader.Integers("--words", [100, 400, 2000]);
        int totalWords = reader.Integer("--total-words", 30_000), rounds = reader.Integer("--rounds", 5),
            threads = reader.Integer("--threads", Environment.ProcessorCount);
        var names = reader.Texts("--models", [.. s_models.Select(model => model.Name)]);
        var corpus = EmbeddingCorpus.Read(reader, needsTest: false).Training;
        reader.RefuseLeft();
        if (names.FirstOrDefault(name => s_models.All(model => model.Name != name)) is { } unknown)
            throw new UsageException($"--models must be of {string.Join(", ", s_models.Select(model => model.Name))}, but one is '{unknown}'.");
        torch.set_num_threads(threads);

        var mlContext = new MLContext(1);
        string[] words = [.. corpus.SelectMany(document => document.Text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Take(MaxWords)];
        var training = mlContext.Data.LoadFromEnumerable(Documents(words, TrainingDocuments, TrainingWords));
        var keyed = mlContext.Transforms.Conversion.MapValueToKey(nameof(Document.Label)).Fit(training).Transform(training);
        bool isFirst = true;
        foreach (var (name, fit, column) in s_models.Where(model => names.Contains(model.Name)))
        {
            using var model = fit(mlContext, keyed);
            if (isFirst)
            {
                EnvironmentHeader.Print(Console.Out);
                Console.WriteLine($"# documents of N / 2 to 3 N / 2 words, {rounds} rounds");
                Console.WriteLine($"{"model",-10} {"words",6} {"rows",5} {"rows/s one at a time",21} {"rows/s of the view",19} {"ratio",6}");
                isFirst = false;
            }
            foreach (int length in lengths)
            {
                int documents = Math.Max(MinDocuments, totalWords / length);
                var data = mlContext.Data.LoadFromEnumerable(Documents(words, documents, length));
                var (single, ahead) = Compare(model, data, column, rounds);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{name,-10} {length,6} {documents,5} {documents / single,21:F1} {documents / ahead,19:F1} {single / ahead,6:F2}"));
            }
        }
        return ExitCode.Success;
    }

    private static MahaTextClassificationTransformer Classifier(MLContext mlContext, IDataView data, bool ngrams)
        => mlContext.MulticlassClassification.Trainers.MahaTextClassification(new MahaTextClassificationTrainer.Options
        {
            NGrams = ngrams,
            NumberOfEpochs = 1,
            ValidationFraction = 0,
            MaxTrainingTime = s_trainingTime,
        }).Fit(data);

    private static MahaTextEncodingTransformer Encoder(MLContext mlContext, IDataView data)
        => mlContext.Transforms.MahaEncode(new MahaTextEncodingEstimator.Options
        {
            OutputColumnName = "Features",
            InputColumnName = nameof(Document.Text),
            SegmentColumnName = "Segments",
            NumberOfEpochs = 1,
            MaxTrainingTime = s_trainingTime,
        }).Fit(data);

    // The fewest seconds for all rows: other programs only add to them. The rounds alternate, so that other programs slow both alike.
    private static (double Single, double Ahead) Compare(MahaTransformer model, IDataView data, string columnName, int rounds)
    {
        double single = double.PositiveInfinity, ahead = double.PositiveInfinity;
        for (int round = 0; round <= rounds; round++)
        {
            double one = Seconds(() => ReadRows(model, data, columnName)), view = Seconds(() => ReadView(model.Transform(data), columnName));
            if (round > 0) // the first one warms up
                (single, ahead) = (Math.Min(single, one), Math.Min(ahead, view));
        }
        return (single, ahead);
    }

    private static void ReadRows(MahaTransformer model, IDataView data, string columnName)
    {
        var mapper = ((ITransformer)model).GetRowToRowMapper(data.Schema);
        var column = mapper.OutputSchema[columnName];
        using var cursor = data.GetRowCursor(mapper.GetDependencies([column]));
        using var row = mapper.GetRow(cursor, [column]);
        var getter = row.GetGetter<VBuffer<float>>(column);
        VBuffer<float> value = default;
        while (cursor.MoveNext())
            getter(ref value);
    }

    private static void ReadView(IDataView view, string columnName)
    {
        var column = view.Schema[columnName];
        using var cursor = view.GetRowCursor([column]);
        var getter = cursor.GetGetter<VBuffer<float>>(column);
        VBuffer<float> value = default;
        while (cursor.MoveNext())
            getter(ref value);
    }

    private static double Seconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    // Pieces of the text from places spread over it, of N / 2 to 3 N / 2 words: documents that are padded together differ in length.
    private static List<Document> Documents(string[] words, int count, int length)
    {
        var random = new Random(length);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            int size = Math.Min(words.Length, random.Next(length / 2, length * 3 / 2) + 1);
            return new Document { Text = string.Join(' ', words, random.Next(words.Length - size + 1), size), Label = $"class {i % NumClasses}" };
        })];
    }

    private sealed class Document
    {
        public string Text { get; set; } = "";

        public string Label { get; set; } = "";
    }
}
