using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Maha.Benchmarks.Training;
using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Swap;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Swap;

/// <summary>The swaps of one fine-tuned classifier.</summary>
/// <remarks>
/// The control: the same layers with attention that is uniform over the window, which their own weights with queries of 0 compute. If it loses as little as
/// the swap, the layers' attention did not matter, and the swap proves nothing.
/// </remarks>
internal sealed class PretrainedSwapStudy(WindowedClassifier classifier, PretrainedSwapTask task, PretrainedSwapSettings settings, int seed)
{
    // Documents of a batch of samples and of a timed batch.
    private const int BatchSize = 8;
    private const int TokensToEvaluate = 16384;

    private readonly HsaConversionOptions _conversion = settings.Conversion;
    private readonly WindowedDocuments _test = task.Windows(task.Test, settings.WindowLength);
    private readonly TokenizedDataset? _longTest = settings.ReadsWhole ? task.LongTest : null;

    /// <summary>Measures one row per number of swapped layers.</summary>
    /// <param name="isDone">Returns true for numbers that have been measured.</param>
    public IEnumerable<JsonObject> Rows(Func<int, bool> isDone)
    {
        using var scope = NewDisposeScope();
        var own = Evaluate(classifier, _test);
        var steps = WindowedConversion.SwapInOrder(classifier, Samples(), _ => 0, _conversion);
        foreach (var step in steps.Where(step => !isDone(step.Swapped.Count)))
        {
            var row = new JsonObject
            {
                ["swapped"] = step.Swapped.Count,
                ["layers"] = string.Join(" ", step.Swapped),
                ["distance"] = step.Distance,
                ["prediction_distance"] = step.PredictionDistance,
            };
            using (var swapped = Swapped(step.Swapped))
            {
                Judge(row, "", swapped, own);
                Measure(row, swapped);
            }
            using (var uniform = Uniform(step.Swapped))
                row["uniform_accuracy"] = Evaluate(uniform, _test).Accuracy;
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"seed {seed}: accuracy {(double)row["accuracy"]!:F4} without training, swapped layers: {row["layers"]}"));
            if (settings.Tuned.Count == 0 || settings.Tuned.Contains(step.Swapped.Count))
            {
                using var tuned = Swapped(step.Swapped);
                Tune(tuned, settings.WindowLength, settings.WindowsPerDocument, $"{step.Swapped.Count} swapped, seed {seed}");
                Judge(row, "tuned_", tuned, own);
            }
            // The use of a converted reader: whole documents, trained as they are read.
            if (_longTest is not null && step.Swapped.Count == classifier.Reader.Encoder.Blocks.Count)
            {
                using var whole = WindowedConversion.Swap(classifier, step.Swapped.ToArray(), Long(interpolate: false));
                Tune(whole, settings.LongTokens, 1, $"{step.Swapped.Count} swapped, whole documents, seed {seed}");
                row["whole_tuned_accuracy"] = Evaluate(whole, task.Windows(task.Test, settings.LongTokens)).Accuracy;
                row["whole_tuned_long_accuracy"] = Evaluate(whole, task.Windows(_longTest, settings.LongTokens)).Accuracy;
            }
            yield return row;
        }
    }

    private WindowedClassifier Swapped(IReadOnlyList<int> layers) => WindowedConversion.Swap(classifier, layers.ToArray(), _conversion);

    private HsaConversionOptions Long(bool interpolate) =>
        _conversion with { MaxSequenceLength = settings.LongTokens, InterpolatePositions = interpolate };

    private WindowedClassifier Uniform(IReadOnlyList<int> layers)
    {
        var model = Swapped(layers);
        using var noGradient = no_grad();
        foreach (int layer in layers)
        {
            var queries = model.Reader.Encoder.Blocks[layer].Mixer.named_parameters()
                .Where(entry => entry.name.StartsWith("q_proj.", StringComparison.Ordinal));
            foreach (var query in queries)
                query.parameter.zero_();
        }
        return model;
    }

    private void Tune(WindowedClassifier model, int windowLength, int mostWindows, string name)
    {
        var documents = task.Windows(task.Train, windowLength, mostWindows);
        var options = settings.Training(seed, BatchPlan.Lengths(documents).Average()) with { NumberOfEpochs = 1, LearningRate = settings.TuningRate };
        new Trainer(options).Train(new WindowedClassificationTask(model, new CrossEntropyLoss(task.Labels.Length), null), documents, progress: new EpochLines(name));
    }

    // Accuracy, and the distance of the outputs from those of the trained classifier, in windows and on whole long documents.
    private void Judge(JsonObject row, string prefix, WindowedClassifier model, ValidationMetrics own)
    {
        var read = Evaluate(model, _test);
        row[prefix + "accuracy"] = read.Accuracy;
        row[prefix + "kl"] = Divergence(own.Logits!, read.Logits!);
        if (_longTest is not { } documents)
            return;
        float[][] ownLong = [.. task.LongRows.Select(document => own.Logits![document])];
        row[prefix + "long_accuracy"] = AccuracyOfLong(read.Logits!);
        row[prefix + "long_first_accuracy"] = Evaluate(model, task.Windows(documents, settings.WindowLength, mostWindows: 1)).Accuracy;
        foreach (bool interpolate in new[] { false, true })
        {
            using var whole = WindowedConversion.Swap(model, [], Long(interpolate));
            var readWhole = Evaluate(whole, task.Windows(documents, settings.LongTokens));
            string name = $"{prefix}whole_{(interpolate ? "interpolate" : "repeat")}";
            row[$"{name}_accuracy"] = readWhole.Accuracy;
            row[$"{name}_kl"] = Divergence(ownLong, readWhole.Logits!);
        }
    }

    // Operations and time.
    private void Measure(JsonObject row, WindowedClassifier model)
    {
        var (attention, all) = Gigaflops(model, task.Test, settings.WindowLength);
        row["attention_gflop"] = attention;
        row["gflop"] = all;
        row["ms"] = Milliseconds(model, _test);
        if (_longTest is not { } documents)
            return;
        row["long_attention_gflop"] = Gigaflops(model, documents, settings.WindowLength).Attention;
        row["long_ms"] = Milliseconds(model, task.Windows(documents, settings.WindowLength));
        row["whole_attention_gflop"] = Gigaflops(model, documents, settings.LongTokens).Attention;
        using var whole = WindowedConversion.Swap(model, [], Long(interpolate: false));
        row["whole_ms"] = Milliseconds(whole, task.Windows(documents, settings.LongTokens));
    }

    private ValidationMetrics Evaluate(WindowedClassifier model, ITokenizedDocuments documents)
    {
        var options = settings.Training(seed, TokensToEvaluate) with { TokensPerBatch = TokensToEvaluate };
        return new Trainer(options).Evaluate(new WindowedClassificationTask(model, new CrossEntropyLoss(task.Labels.Length), null), documents);
    }

    private double AccuracyOfLong(IReadOnlyList<float[]> logits) =>
        task.LongRows.Average(document => Array.IndexOf(logits[document], logits[document].Max()) == task.Test.LabelOf(document) ? 1.0 : 0);

    // The mean over the documents of KL(first || second) of the class probabilities, in nats.
    private static double Divergence(IReadOnlyList<float[]> first, IReadOnlyList<float[]> second)
    {
        using var scope = NewDisposeScope();
        return SwapDistance.OfClasses(Stack(first), Stack(second)) / first.Count;

        static Tensor Stack(IReadOnlyList<float[]> rows) => tensor(rows.SelectMany(values => values).ToArray(), [rows.Count, rows[0].Length]);
    }

    // The mean per document.
    private (double Attention, double All) Gigaflops(WindowedClassifier model, TokenizedDataset documents, int windowLength)
    {
        var shape = model.Reader.Encoder.Options;
        MahaBlockOptions[] layers = [.. Enumerable.Range(0, shape.NumLayers).Select(shape.OfLayer)];
        double attention = 0, all = 0;
        foreach (var windows in task.WindowLengths(documents, windowLength).GroupBy(length => length))
        {
            foreach (var flops in layers.Select(layer => BlockFlops.Of(layer, windows.Key)))
            {
                attention += (double)flops.Attention * windows.Count();
                all += (double)flops.Total * windows.Count();
            }
        }
        return (attention / documents.Count / 1e9, all / documents.Count / 1e9);
    }

    // The mean per document, the least of three passes. Reading the logits waits for the device.
    private double Milliseconds(WindowedClassifier model, WindowedDocuments documents)
    {
        using var noGradient = no_grad();
        model.eval();
        int count = Math.Min(settings.TimedDocuments, documents.Count);
        var rows = Spread(count, documents.Count).OrderBy(documents.LengthOf).Chunk(BatchSize).ToList();
        double best = double.PositiveInfinity;
        for (int pass = 0; pass < 4; pass++)
        {
            long started = Stopwatch.GetTimestamp();
            foreach (int[] batch in rows)
            {
                using var scope = NewDisposeScope();
                var tokens = TokenBatch.Create(documents, batch, settings.Device);
                model.call(tokens.TokenIds, tokens.KeyPaddingMask).Logits.cpu();
            }
            // The first pass loads kernels.
            if (pass > 0)
                best = Math.Min(best, Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }
        return best / count;
    }

    // Evenly spaced among the training documents; the layers are ranked by what a swap changes on them.
    private List<(Tensor TokenIds, MixingContext Context)> Samples()
    {
        var documents = task.Windows(task.Train, settings.WindowLength, settings.WindowsPerDocument);
        return [.. Spread(Math.Min(settings.Samples, documents.Count), documents.Count).OrderBy(documents.LengthOf).Chunk(BatchSize).Select(rows =>
        {
            var batch = TokenBatch.Create(documents, rows, settings.Device);
            return (batch.TokenIds, new MixingContext { KeyPaddingMask = batch.KeyPaddingMask });
        })];
    }

    private static IEnumerable<int> Spread(int count, int of) => Enumerable.Range(0, count).Select(i => (int)((long)i * of / count));
}
