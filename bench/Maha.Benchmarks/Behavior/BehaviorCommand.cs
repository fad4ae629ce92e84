using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Maha.Layers.Attention;
using Maha.Layers.Training;
using Maha.Layers.Trees;
using Maha.MLNet;
using Maha.MLNet.Classification;
using Maha.MLNet.LanguageModel;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Behavior;

/// <summary>
/// <c>behavior [--models FOLDER]</c>: short trainings of every kind of model with a fixed seed on one thread, a line for each: the losses of all steps and the
/// predictions as hashes of their bits, and the last loss to read. With <c>--models</c> also the predictions of every saved model in a folder.
/// </summary>
/// <remarks>
/// Two versions of the code that print the same lines on one machine behave the same, bit for bit: run it on both and compare with <c>diff</c>.
/// It uses nothing but the options of ML.NET's estimators, so that it can be copied into older versions.
/// </remarks>
internal static class BehaviorCommand
{
    public const string Arguments = "[--models FOLDER]";

    private const int NumDocuments = 60;
    private static readonly string[] s_labels = ["red", "green", "blue"];

    public sealed class Row
    {
        public string Label { get; set; } = "";

        public string Text { get; set; } = "";
    }

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        string? models = reader.Text("--models", "") is { Length: > 0 } folder ? folder : null;
        reader.RefuseLeft();
        set_num_threads(1);
        EnvironmentHeader.Print(Console.Out);
        foreach (var attention in new[] { AttentionKind.Hsa, AttentionKind.Window, AttentionKind.Full })
            Classify($"{attention}", options => options.Attention = attention);
        Classify("Hsa-Document", options => options.Hierarchy = HierarchyKind.Document);
        foreach (var aggregation in Enum.GetValues<AggregationKind>().Where(kind => kind != AggregationKind.ReferenceNash)) // which takes no padding
            Classify($"Maha-{aggregation}", options => (options.Attention, options.Aggregation) = (AttentionKind.Maha, aggregation));
        Classify("n-grams", options => options.NGrams = true);
        foreach (var attention in new[] { AttentionKind.HsaCausal, AttentionKind.Maha, AttentionKind.Window, AttentionKind.Full })
            Model(attention);
        Encode();
        string[] files = models is null ? [] : Directory.GetFiles(models, "*.zip");
        foreach (string file in files.Order(StringComparer.Ordinal))
            Load(file);
        return ExitCode.Success;
    }

    private static void Classify(string name, Action<MahaTextClassificationTrainer.Options> change)
    {
        var context = new MLContext(1);
        var losses = new Losses();
        var options = new MahaTextClassificationTrainer.Options { NGrams = false, Progress = losses };
        Shrink(options);
        change(options);
        var data = Documents(context);
        var pipeline = context.Transforms.Conversion.MapValueToKey("Label").Append(context.MulticlassClassification.Trainers.MahaTextClassification(options));
        Report($"classifier {name}", losses, pipeline.Fit(data).Transform(data), "Score");
    }

    private static void Model(AttentionKind attention)
    {
        var context = new MLContext(1);
        var losses = new Losses();
        var options = new MahaLanguageModelEstimator.Options { InputColumnName = "Text", Attention = attention, Progress = losses };
        Shrink(options);
        var data = Documents(context);
        Report($"language model {attention}", losses, context.Transforms.MahaLanguageModel(options).Fit(data).Transform(data), "LogLikelihood");
    }

    private static void Encode()
    {
        var context = new MLContext(1);
        var losses = new Losses();
        var options = new MahaTextEncodingEstimator.Options { InputColumnName = "Text", SpectralDim = 16, Progress = losses };
        Shrink(options);
        var data = Documents(context);
        Report("encoder", losses, context.Transforms.MahaEncode(options).Fit(data).Transform(data), "Features");
    }

    private static void Load(string file)
    {
        var context = new MLContext(1);
        var output = context.Model.Load(file, out _).Transform(Documents(context));
        string[] columns = ["Score", "Features", "LogLikelihood"];
        Report($"saved {Path.GetFileName(file)}", null, output, columns.First(column => output.Schema.GetColumnOrNull(column) is not null));
    }

    private static void Shrink(MahaEstimatorOptions options)
    {
        (options.DModel, options.NumHeads, options.NumLayers, options.MaxSequenceLength) = (32, 2, 2, 256);
        (options.VocabSize, options.Window, options.TokensPerBatch, options.NumberOfEpochs) = (600, 16, 1024, 2);
    }

    // Sentences and paragraphs of made words, some of them of the class, of lengths between one word and more than the models read.
    private static IDataView Documents(MLContext context)
    {
        var random = new Random(7);
        var rows = new List<Row>();
        for (int i = 0; i < NumDocuments; i++)
        {
            int label = i % s_labels.Length;
            var words = Enumerable.Range(0, 1 + random.Next(300)).Select(_ => (random.Next(12), random.Next(40)) switch
            {
                (0, int word) => $"{s_labels[label]}{word % 3}",
                (1, int word) => $"caf\u00e9{word}.",
                (2, _) => "end.\n\nNext",
                (_, int word) => $"w{word}",
            });
            rows.Add(new Row { Label = s_labels[label], Text = string.Join(' ', words) });
        }
        return context.Data.LoadFromEnumerable(rows);
    }

    private static void Report(string name, Losses? losses, IDataView output, string column)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var view = output.Schema[column];
        if (view.Type is VectorDataViewType)
        {
            foreach (float[] vector in output.GetColumn<float[]>(column))
                hash.AppendData(MemoryMarshal.AsBytes<float>(vector));
        }
        else
        {
            hash.AppendData(MemoryMarshal.AsBytes<float>(output.GetColumn<float>(column).ToArray()));
        }
        string trained = losses is null ? "" : string.Create(CultureInfo.InvariantCulture, $" steps={losses.Count} loss={losses.Last:R} losses={losses.Hash}");
        Console.WriteLine($"behavior {name}:{trained} predictions={Short(hash)}");
    }

    private static string Short(IncrementalHash hash) => Convert.ToHexStringLower(hash.GetCurrentHash().AsSpan(0, 8));

    private sealed class Losses : IProgress<TrainingProgress>
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        public int Count { get; private set; }

        public double Last { get; private set; }

        public string Hash => Short(_hash);

        public void Report(TrainingProgress value)
        {
            if (value.Validation is not null)
                return;
            (Count, Last) = (Count + 1, value.Loss);
            _hash.AppendData(BitConverter.GetBytes(value.Loss));
        }
    }
}
