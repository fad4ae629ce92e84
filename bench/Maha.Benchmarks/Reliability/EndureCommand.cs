using System.Diagnostics;
using System.Globalization;
using Maha.MLNet.Classification;
using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Reliability;

/// <summary>
/// <c>endure</c>: many predictions and trainings, whose memory must stay flat, threads, which must predict as one does, and documents, rows and classes of
/// unusual numbers.
/// </summary>
internal static class EndureCommand
{
    public const string Arguments = "[--checks C...] [--scale S] [--trainings K...]";

    private const int NumThreads = 8;

    // What the memory of the process may grow after the first tenth: caches, and pieces that the allocator keeps.
    private const double MaxGrowthMegabytes = 48;

    private static readonly Dictionary<string, Func<Settings, string?>> s_checks = new()
    {
        ["threads"] = Threads,
        ["predictions"] = Predictions,
        ["trainings"] = Trainings,
        ["long"] = LongDocuments,
        ["tiny"] = TinyDocuments,
        ["classes"] = ManyClasses,
    };

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        var checks = reader.Texts("--checks", [.. s_checks.Keys]);
        double scale = reader.Number("--scale", 1);
        var trainings = reader.Texts("--trainings", [.. SmallTrainings.Names]);
        reader.RefuseLeft();
        if (checks.FirstOrDefault(check => !s_checks.ContainsKey(check)) is { } unknown)
            throw new UsageException($"--checks must be of {string.Join(", ", s_checks.Keys)}, but has '{unknown}'.");
        if (trainings.FirstOrDefault(training => !SmallTrainings.Names.Contains(training)) is { } unknownTraining)
            throw new UsageException($"--trainings must be of {string.Join(", ", SmallTrainings.Names)}, but has '{unknownTraining}'.");
        if (scale is <= 0 or > 1)
            throw new UsageException($"--scale must be above 0 and at most 1, but is {scale}.");
        using (zeros(1))
            EnvironmentHeader.Print(Console.Out);
        bool isGood = true;
        foreach (string check in checks)
        {
            var watch = Stopwatch.StartNew();
            PeakMemory.Reset();
            string? failure = s_checks[check](new Settings(scale, trainings));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{check}: {(failure is null ? "good" : "BAD, " + failure)}; {watch.Elapsed.TotalSeconds:F1} s, peak {PeakMemory.Read():F0} MiB"));
            isGood &= failure is null;
        }
        return isGood ? ExitCode.Success : ExitCode.Failure;
    }

    private static string? Threads(Settings settings)
    {
        var context = new MLContext(1);
        var (model, data) = SmallTrainings.Fit("multiclass", context, options => options.NumberOfEpochs = 1);
        using var owner = (IDisposable)model;
        var rows = context.Data.CreateEnumerable<SmallTrainings.Row>(data, reuseRowObject: false).ToList();
        using var serial = context.Model.CreatePredictionEngine<SmallTrainings.Row, Scored>(model, new PredictionEngineOptions { OwnsTransformer = false });
        float[][] expected = [.. rows.Select(row => serial.Predict(row).Score)];
        int passes = Math.Max(1, (int)(20 * settings.Scale)), different = 0;
        var threads = Enumerable.Range(0, NumThreads).Select(number => new Thread(() =>
        {
            using var engine = context.Model.CreatePredictionEngine<SmallTrainings.Row, Scored>(model, new PredictionEngineOptions { OwnsTransformer = false });
            for (int i = 0; i < passes * rows.Count; i++)
            {
                int at = (i + (31 * number)) % rows.Count;
                if (!engine.Predict(rows[at]).Score.AsSpan().SequenceEqual(expected[at]))
                    Interlocked.Increment(ref different);
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Console.WriteLine($"  {NumThreads} threads, {passes * rows.Count} predictions each, {different} differ from those of one thread");
        return different == 0 ? null : $"{different} predictions differ";
    }

    private static string? Predictions(Settings settings)
    {
        var context = new MLContext(1);
        var (model, data) = SmallTrainings.Fit("multiclass", context, options => options.NumberOfEpochs = 1);
        using var owner = (IDisposable)model;
        var rows = context.Data.CreateEnumerable<SmallTrainings.Row>(data, reuseRowObject: false).ToList();
        using var engine = context.Model.CreatePredictionEngine<SmallTrainings.Row, Scored>(model, new PredictionEngineOptions { OwnsTransformer = false });
        return StaysFlat((int)(100_000 * settings.Scale), i => engine.Predict(rows[i % rows.Count]), countsTensors: true);
    }

    private static string? Trainings(Settings settings) => StaysFlat(Math.Max(2 * settings.Trainings.Count, (int)(200 * settings.Scale)), i =>
    {
        string name = settings.Trainings[i % settings.Trainings.Count];
        var (model, _) = SmallTrainings.Fit(name, new MLContext(1), options => (options.NumberOfEpochs, options.Seed) = (1, i));
        ((IDisposable)model).Dispose();
    }, countsTensors: false);

    // TorchSharp's counter rises by one for every parameter that is ever made, since it takes the handle of a tensor; so trainings are judged by memory alone.
    private static string? StaysFlat(int count, Action<int> action, bool countsTensors)
    {
        int warmup = Math.Max(SmallTrainings.Names.Count, count / 10);
        var before = default(HeldMemory);
        for (int i = 0; i < count; i++)
        {
            // In the middle, too: what the first calls keep grows no further after it.
            if (i == warmup || i == (warmup + count) / 2)
            {
                var now = HeldMemory.Measure();
                Console.WriteLine($"  after {i}: {now}");
                if (i == warmup)
                    before = now;
            }
            action(i);
        }
        var after = HeldMemory.Measure();
        Console.WriteLine($"  after {count}: {after}");
        double grown = after.Process - before.Process;
        return grown > MaxGrowthMegabytes ? string.Create(CultureInfo.InvariantCulture, $"memory grew by {grown:F0} MiB")
            : countsTensors && after.Tensors > before.Tensors ? $"live tensors grew from {before.Tensors} to {after.Tensors}" : null;
    }

    private static string? LongDocuments(Settings settings)
    {
        var context = new MLContext(1);
        const string sentence = "the quick brown fox jumps over the lazy dog, and the red one sleeps. ";
        string text = string.Concat(Enumerable.Repeat(sentence, (int)(100_000_000 * settings.Scale) / sentence.Length));
        foreach (string name in new[] { "multiclass", "encoder" })
        {
            var (model, _) = SmallTrainings.Fit(name, context, options => options.NumberOfEpochs = 1);
            using var owner = (IDisposable)model;
            var watch = Stopwatch.StartNew();
            var output = model.Transform(context.Data.LoadFromEnumerable([new SmallTrainings.Row { Label = "red", Text = text }]));
            float[] values = output.GetColumn<float[]>(name == "encoder" ? "Features" : "Score").Single();
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"  {name}: {text.Length / 1e6:F1} million characters in {watch.Elapsed.TotalSeconds:F2} s"));
            if (!values.All(float.IsFinite))
                return $"{name} is not finite";
            if (watch.Elapsed.TotalSeconds > 10)
                return $"{name} took {watch.Elapsed.TotalSeconds:F0} s";
        }
        return null;
    }

    private static string? TinyDocuments(Settings settings)
    {
        var context = new MLContext(1);
        var random = new Random(1);
        string[] words = ["red", "green", "blue", "one", "two", "three", "four", "five"];
        var data = context.Data.LoadFromEnumerable(Enumerable.Range(0, (int)(200_000 * settings.Scale)).Select(i => new SmallTrainings.Row
        {
            IsRed = i % 2 == 0,
            Text = $"{(i % 2 == 0 ? "red" : "blue")} {words[random.Next(3, words.Length)]} {random.Next(1000)}",
        }).ToList());
        using var model = context.BinaryClassification.Trainers.MahaTextClassification(new MahaBinaryTextClassificationTrainer.Options
        {
            LabelColumnName = nameof(SmallTrainings.Row.IsRed),
            DModel = 16,
            NumHeads = 2,
            NumLayers = 1,
            NumberOfEpochs = 1,
        }).Fit(data);
        double accuracy = context.BinaryClassification.Evaluate(
            model.Transform(context.Data.TakeRows(data, 1000)), labelColumnName: nameof(SmallTrainings.Row.IsRed)).Accuracy;
        return accuracy > 0.99 ? null : $"accuracy {accuracy:F3}";
    }

    private static string? ManyClasses(Settings settings)
    {
        var context = new MLContext(1);
        int classes = Math.Max(10, (int)(10_000 * settings.Scale));
        var data = context.Data.LoadFromEnumerable(Enumerable.Range(0, 2 * classes).Select(i => new SmallTrainings.Row
        {
            Label = $"class {i % classes}",
            Text = $"word{i % classes} and other{i % 7} words",
        }).ToList());
        using var model = context.Transforms.Conversion.MapValueToKey("Label").Append(context.MulticlassClassification.Trainers.MahaTextClassification(
            new MahaTextClassificationTrainer.Options { DModel = 16, NumHeads = 2, NumLayers = 1, NumberOfEpochs = 1, VocabSize = 2000 })).Fit(data);
        var scored = model.Transform(context.Data.TakeRows(data, 200));
        double accuracy = scored.GetColumn<uint>("Label").Zip(scored.GetColumn<uint>("PredictedLabel")).Average(pair => pair.First == pair.Second ? 1.0 : 0);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {classes} classes: accuracy {accuracy:F3} on 200 training documents"));
        return accuracy > 0.5 ? null : $"accuracy {accuracy:F3}";
    }

    private sealed record Settings(double Scale, IReadOnlyList<string> Trainings);

    private sealed class Scored
    {
        public float[] Score { get; set; } = [];
    }
}
